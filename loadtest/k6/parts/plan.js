// When what runs, and when the run has failed.

import { P99_MS, RATE, ROUNDS, SECONDS, USERS } from "./settings.js";

/** Between two cases, in seconds: for answers that are still due. */
const PAUSE = 3;

/**
 * Every round runs every case once, one after the other, so that a drift of the machine's speed hits
 * all alike; the order turns round after round.
 * @param {string[]} scenarios
 * @param {string[]} sides
 * @returns {import("k6/options").Options}
 */
export function plan(scenarios, sides) {
  const cases = scenarios.flatMap((scenario) => sides.map((side) => ({ scenario, side })));
  /** @type {{ [name: string]: import("k6/options").Scenario }} */
  const runs = {};
  /** @type {{ [metric: string]: string[] }} */
  const thresholds = { dropped_iterations: ["count==0"] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? cases : [...cases].reverse();
    order.forEach(({ scenario, side }, place) => {
      runs[`${scenario}-${side}-${round + 1}`] = {
        executor: "constant-arrival-rate",
        exec: "send",
        rate: RATE,
        duration: `${SECONDS}s`,
        preAllocatedVUs: USERS,
        startTime: `${(round * cases.length + place) * (SECONDS + PAUSE)}s`,
        gracefulStop: `${PAUSE}s`,
        env: { SCENARIO: scenario, SIDE: side },
        tags: { case: `${scenario}-${side}` },
      };
    });
  }
  for (const { scenario, side } of cases) {
    thresholds[`checks{case:${scenario}-${side}}`] = ["rate==1"];
    thresholds[`http_req_failed{case:${scenario}-${side}}`] = ["rate==0"];
    thresholds[`http_req_duration{case:${scenario}-${side}}`] = [`p(99)<${P99_MS}`];
  }
  return {
    scenarios: runs,
    thresholds,
    discardResponseBodies: true,
    summaryTrendStats: ["med", "p(90)", "p(99)", "p(99.9)", "max"],
  };
}
