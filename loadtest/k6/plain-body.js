// The content of wssec-body to a public route, with neither token nor digest: 200.
//   k6 run -e BODY_SIZE=65536 loadtest/k6/plain-body.js

import { plan } from "./parts/plan.js";

export { send } from "./parts/request.js";
export const options = plan(["plain-body"], ["gateway"]);
