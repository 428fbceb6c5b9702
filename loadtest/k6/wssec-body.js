// Content, its digest, and a signature over that by the secret of a context token: 200.
//   k6 run -e CONTEXTS_FILE="$PWD/target/contexts.jsonl" -e BODY_SIZE=65536 loadtest/k6/wssec-body.js

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["wssec-body"], ["gateway"]);
