// What a virtual user does: one request, and a look at its status.

import { check } from "k6";
import { SharedArray } from "k6/data";
import http from "k6/http";
import { DIRECT, GATEWAY, KEY_FILE, PATH, PUBLIC_PATH } from "./settings.js";
import { changed, mint } from "./swt.js";

/** One token for all virtual users. */
const hot = new SharedArray("hot token", () => (KEY_FILE === "" ? [] : [mint()]));

/** @type {{ [scenario: string]: { path: string, status: number, token: () => string } }} */
const SCENARIOS = {
  "public": { path: PUBLIC_PATH, status: 200, token: () => "" },
  "wrap-hot": { path: PATH, status: 200, token: () => hot[0] || mint() },
  "wrap-cold": { path: PATH, status: 200, token: mint },
  "wrap-bad": { path: PATH, status: 401, token: () => changed(mint()) },
};

/** Sends one request of the scenario and to the side that the environment names. */
export function send() {
  const scenario = SCENARIOS[__ENV.SCENARIO || ""];
  if (scenario === undefined) {
    throw new Error(`no scenario ${__ENV.SCENARIO}`);
  }
  const direct = __ENV.SIDE === "direct";
  // The upstream judges nothing.
  const status = direct ? 200 : scenario.status;
  const token = scenario.token();
  /** @type {{ [name: string]: string }} */
  const headers = token === "" ? {} : { Authorization: `WRAP access_token="${token}"` };
  const answer = http.get((direct ? DIRECT : GATEWAY) + scenario.path, {
    headers,
    redirects: 0,
    timeout: "5s",
    responseCallback: http.expectedStatuses(status),
    tags: { name: scenario.path },
  });
  check(answer, { "the expected status": (received) => received.status === status });
}
