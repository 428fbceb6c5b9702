// The scenarios of WSSEC, and the same content without it, with and without the gateway, in the same run.
//   k6 run -e CONTEXTS_FILE="$PWD/target/contexts.jsonl" -e DIRECT=http://127.0.0.1:9000 loadtest/k6/compare-wssec.js
// The summary has a line per case; the difference between its two sides is the gateway's.

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["wssec-context", "wssec-body", "plain-body"], ["direct", "gateway"]);
