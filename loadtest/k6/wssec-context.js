// A context token, one of many in turn, with a signature by its secret: 200.
//   k6 run -e CONTEXTS_FILE="$PWD/target/contexts.jsonl" loadtest/k6/wssec-context.js

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["wssec-context"], ["gateway"]);
