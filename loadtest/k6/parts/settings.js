// What a run can be told: k6 run -e NAME=value script.js

/**
 * @param {string} name
 * @param {string} otherwise
 * @returns {string}
 */
function text(name, otherwise) {
  return __ENV[name] || otherwise;
}

/**
 * A whole number within bounds.
 * @param {string} name
 * @param {number} otherwise
 * @param {number} most
 * @returns {number}
 */
function whole(name, otherwise, most) {
  const value = Number(text(name, String(otherwise)));
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`${name}: expected a whole number from 1 to ${most}`);
  }
  return value;
}

/**
 * An origin on this machine; ALLOW_REMOTE=yes lifts that, for servers that are yours.
 * @param {string} name
 * @param {string} otherwise
 * @returns {string}
 */
function origin(name, otherwise) {
  const value = text(name, otherwise).replace(/\/$/, "");
  const local = /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/.test(value);
  if (value !== "" && !local && __ENV.ALLOW_REMOTE !== "yes") {
    throw new Error(`${name}: expected http://127.0.0.1:port without a path, or ALLOW_REMOTE=yes`);
  }
  return value;
}

/** The gateway. */
export const GATEWAY = origin("GATEWAY", "http://127.0.0.1:8080");
/** The upstream behind it, asked without the gateway; only the comparison asks it. */
export const DIRECT = origin("DIRECT", "http://127.0.0.1:9000");
/** The path that requests with a token of WRAP ask for. */
export const PATH = text("REQUEST_PATH", "/bartender/");
/** The path that requests of WSSEC ask for. */
export const WSSEC_PATH = text("WSSEC_PATH", "/orders/");
/** The path that requests with a JSON Web Token ask for. */
export const JWT_PATH = text("JWT_PATH", "/api/");
/** The path that requests without a token ask for. */
export const PUBLIC_PATH = text("PUBLIC_PATH", "/status");
/** A file with the issuer's key in base64; absolute. Needed by the scripts of WRAP. */
export const KEY_FILE = text("KEY_FILE", "");
/** The token's Issuer. */
export const ISSUER = text("ISSUER", "https://nightclub.example/");
/** The token's Audience. */
export const AUDIENCE = text("AUDIENCE", "http://localhost:8080/bartender");
/** Further claims of the token, as they stand in it: name=value, percent-encoded, joined by &. */
export const CLAIMS = text("CLAIMS", "");
/** A file with contexts, as `loadtest --write-contexts` writes it; absolute. Needed by the scripts of WSSEC. */
export const CONTEXTS_FILE = text("CONTEXTS_FILE", "");
/** The realm that the contexts are for. */
export const REALM = text("REALM", "orders");
/** A file with a JSON Web Token; absolute. Needed by the scripts of JSON Web Tokens. */
export const TOKEN_FILE = text("TOKEN_FILE", "");
/** The octets of content. */
export const BODY_SIZE = whole("BODY_SIZE", 65536, 16777216);
/** Requests per second. */
export const RATE = whole("RATE", 1000, 200000);
/** The length of a round, in seconds. */
export const SECONDS = whole("SECONDS", 10, 3600);
/** How often every case is measured. */
export const ROUNDS = whole("ROUNDS", 3, 100);
/** Virtual users, each with its own connection. An arrival that finds none free is dropped, and the run fails. */
export const USERS = whole("USERS", 64, 4096);
/** The most that the 99th percentile may be, in milliseconds. */
export const P99_MS = whole("P99_MS", 50, 60000);
