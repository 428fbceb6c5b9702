// No token, to a public route: 200.
//   k6 run loadtest/k6/public.js

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["public"], ["gateway"]);
