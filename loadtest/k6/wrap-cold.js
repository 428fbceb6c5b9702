// A good token never seen before, minted as it is sent: 200.
//   k6 run -e KEY_FILE="$PWD/target/demo/swt.key" loadtest/k6/wrap-cold.js

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["wrap-cold"], ["gateway"]);
