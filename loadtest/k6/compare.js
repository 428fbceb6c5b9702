// Every scenario with and without the gateway, in the same run.
//   k6 run -e KEY_FILE="$PWD/target/demo/swt.key" -e DIRECT=http://127.0.0.1:9000 loadtest/k6/compare.js
// The summary has a line per case; the difference between its two sides is the gateway's.

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["public", "wrap-hot", "wrap-cold", "wrap-bad"], ["direct", "gateway"]);
