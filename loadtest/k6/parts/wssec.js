// WSSEC requests by context tokens: prepared by the load generator, signed as they are sent.

import crypto from "k6/crypto";
import { SharedArray } from "k6/data";
import encoding from "k6/encoding";
import exec from "k6/execution";
import { BODY_SIZE, CONTEXTS_FILE, REALM } from "./settings.js";

/**
 * A context token, what signatures say of it, and the key of signatures; all in base64.
 * @typedef {{ token: string, hash: string, secret: string }} Context
 */

/** A line of JSON for each, as `loadtest --write-contexts` writes them; one copy for all virtual users. */
const contexts = new SharedArray("contexts", () => {
  /** @type {Context[]} */
  const read = [];
  if (CONTEXTS_FILE !== "") {
    for (const line of open(CONTEXTS_FILE).trim().split("\n")) {
      read.push(JSON.parse(line));
    }
  }
  return read;
});

const LOCATION = "location=header";
/** What requests with content send. */
const CONTENT_TYPE = "application/octet-stream";
export const CONTENT = ".".repeat(BODY_SIZE);

const run = Date.now().toString(36);
let serial = 0;

/** A nonce that was not used before, neither by this virtual user nor by another. */
function nonce() {
  serial += 1;
  return `${run}-${__VU}-${serial}`.padEnd(16, ".");
}

/**
 * The context whose turn it is, over all virtual users.
 * @returns {Context}
 */
function turn() {
  const context = contexts[exec.scenario.iterationInTest % contexts.length];
  if (context === undefined) {
    throw new Error("CONTEXTS_FILE: expected the absolute path of a file that `loadtest --write-contexts` wrote");
  }
  return context;
}

/**
 * Digest and covered fields of the content, as the signature speaks of them.
 * @param {{ [name: string]: string }} headers
 * @returns {{ value: string, covered: string }}
 */
export function digest(headers) {
  const covered = Object.entries(headers).map(([name, value]) => ({ name: name.toLowerCase(), value }));
  covered.sort((one, other) => (one.name < other.name ? -1 : 1));
  const hash = crypto.createHash("sha256");
  hash.update(`${covered.map(({ name, value }) => `${name}:${value}\n`).join("")}\n`);
  hash.update(CONTENT);
  return { value: hash.digest("base64"), covered: covered.map(({ name }) => name).join(" ") };
}

/**
 * What is signed.
 * @param {{ method: string, path: string, host: string, usage: string, nonce: string, timestamp: string, hash: string }} request
 * @param {string[]} message the digest's line, where the signature speaks of the message
 * @returns {string}
 */
export function input(request, message) {
  const { method, path, host, usage, nonce, timestamp, hash } = request;
  return ["WSSEC", method, path, host, "hmac-sha256", usage, nonce, timestamp, hash, ...message].join("\n");
}

/**
 * The fields of a request by the context whose turn it is.
 * @param {"GET" | "POST"} method with POST the request has the content
 * @param {string} origin
 * @param {string} path
 * @returns {{ [name: string]: string }}
 */
export function fields(method, origin, path) {
  const { token, hash, secret } = turn();
  /** @type {{ [name: string]: string }} */
  const headers = {
    "Authorization": `WSSEC realm="${REALM}", profile="sct"`,
    "X-WSS-TokenLoc": LOCATION,
    "X-WSS-Token1": token,
  };
  /** @type {string[]} */
  const message = [];
  if (method === "POST") {
    headers["Content-Type"] = CONTENT_TYPE;
    const { value, covered } = digest(headers);
    headers["X-WSS-Digest"] = `alg=sha-256, value="${value}", covered="${covered}"`;
    message.push(`sha-256 ${value} ${covered}`);
  }
  const usage = method === "POST" ? "message" : "auth";
  const host = origin.replace(/^http:\/\//, "");
  const stamp = { nonce: nonce(), timestamp: new Date().toISOString() };
  const signed = input({ method, path, host, usage, hash, ...stamp }, message);
  const signature = crypto.hmac("sha256", encoding.b64decode(secret, "std"), signed, "base64");
  headers["X-WSS-Security"] =
    `sigusage=${usage}, sigalg=hmac-sha256, nonce="${stamp.nonce}", timestamp="${stamp.timestamp}", sigval="${signature}"`;
  return headers;
}

/** The field of content that nobody digests. */
export const PLAIN = { "Content-Type": CONTENT_TYPE };
