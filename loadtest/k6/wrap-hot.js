// The same good token again and again: 200.
//   k6 run -e KEY_FILE="$PWD/target/demo/swt.key" loadtest/k6/wrap-hot.js

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["wrap-hot"], ["gateway"]);
