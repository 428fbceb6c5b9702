// The same JSON Web Token again and again: 200.
//   k6 run -e TOKEN_FILE="$PWD/target/jwt/token.jwt" loadtest/k6/jwt-hot.js

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["jwt-hot"], ["gateway"]);
