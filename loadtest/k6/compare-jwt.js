// The same JSON Web Token again and again, with and without the gateway, in the same run.
//   k6 run -e TOKEN_FILE="$PWD/target/jwt/token.jwt" -e DIRECT=http://127.0.0.1:9131 loadtest/k6/compare-jwt.js
// The summary has a line per case; the difference between its two sides is the gateway's.

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["jwt-hot"], ["direct", "gateway"]);
