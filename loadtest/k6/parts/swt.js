// Simple Web Tokens (SWT 0.9.5.1), each unlike all before it.

import crypto from "k6/crypto";
import encoding from "k6/encoding";
import { AUDIENCE, CLAIMS, ISSUER, KEY_FILE } from "./settings.js";

/** How long tokens hold, in seconds: longer than the longest run of rounds. */
const LIFETIME = 24 * 3600;

const key = KEY_FILE === "" ? undefined : encoding.b64decode(open(KEY_FILE).trim(), "std");
const run = Date.now();
let serial = 0;

/**
 * A token that was not made before, neither by this virtual user nor by another.
 * @returns {string}
 */
export function mint() {
  if (key === undefined) {
    throw new Error("KEY_FILE: expected the absolute path of a file with the issuer's key");
  }
  serial += 1;
  const pairs = [`serial=${run}-${__VU}-${serial}`];
  if (CLAIMS !== "") {
    pairs.push(CLAIMS);
  }
  pairs.push(`Issuer=${encodeURIComponent(ISSUER)}`, `Audience=${encodeURIComponent(AUDIENCE)}`);
  pairs.push(`ExpiresOn=${Math.floor(Date.now() / 1000) + LIFETIME}`);
  const signed = pairs.join("&");
  return `${signed}&HMACSHA256=${encodeURIComponent(crypto.hmac("sha256", key, signed, "base64"))}`;
}

/**
 * The token with one digit of its first claim changed: it reads well, and only its MAC is wrong.
 * @param {string} token
 * @returns {string}
 */
export function changed(token) {
  return token.replace(/\d/, (digit) => String((Number(digit) + 1) % 10));
}
