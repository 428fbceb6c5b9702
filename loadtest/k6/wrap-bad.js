// A token never seen before, changed after it was signed: 401.
//   k6 run -e KEY_FILE="$PWD/target/demo/swt.key" loadtest/k6/wrap-bad.js

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["wrap-bad"], ["gateway"]);
