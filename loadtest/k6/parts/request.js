// What a virtual user does: one request, and a look at its status.

import { check } from "k6";
import { SharedArray } from "k6/data";
import http from "k6/http";
import { bearer } from "./jwt.js";
import { DIRECT, GATEWAY, JWT_PATH, KEY_FILE, PATH, PUBLIC_PATH, WSSEC_PATH } from "./settings.js";
import { changed, mint } from "./swt.js";
import { CONTENT, PLAIN, fields } from "./wssec.js";

/** @typedef {{ [name: string]: string }} Headers */

/** One token for all virtual users. */
const hot = new SharedArray("hot token", () => (KEY_FILE === "" ? [] : [mint()]));

/**
 * @param {string} token
 * @returns {Headers}
 */
function wrap(token) {
  return { Authorization: `WRAP access_token="${token}"` };
}

/** @type {{ [scenario: string]: { method: "GET" | "POST", path: string, status: number, headers: (origin: string) => Headers } }} */
const SCENARIOS = {
  "public": { method: "GET", path: PUBLIC_PATH, status: 200, headers: () => ({}) },
  "wrap-hot": { method: "GET", path: PATH, status: 200, headers: () => wrap(hot[0] || mint()) },
  "wrap-cold": { method: "GET", path: PATH, status: 200, headers: () => wrap(mint()) },
  "wrap-bad": { method: "GET", path: PATH, status: 401, headers: () => wrap(changed(mint())) },
  "wssec-context": { method: "GET", path: WSSEC_PATH, status: 200, headers: (origin) => fields("GET", origin, WSSEC_PATH) },
  "wssec-body": { method: "POST", path: WSSEC_PATH, status: 200, headers: (origin) => fields("POST", origin, WSSEC_PATH) },
  "jwt-hot": { method: "GET", path: JWT_PATH, status: 200, headers: () => bearer() },
  "plain-body": { method: "POST", path: PUBLIC_PATH, status: 200, headers: () => ({ ...PLAIN }) },
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
  const { method, path } = scenario;
  const origin = direct ? DIRECT : GATEWAY;
  const answer = http.request(method, origin + path, method === "POST" ? CONTENT : null, {
    headers: scenario.headers(origin),
    redirects: 0,
    timeout: "5s",
    responseCallback: http.expectedStatuses(status),
    tags: { name: path },
  });
  check(answer, { "the expected status": (received) => received.status === status });
}
