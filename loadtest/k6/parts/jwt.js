// A JSON Web Token that somebody else made, sent as a bearer token (RFC 6750).

import { TOKEN_FILE } from "./settings.js";

const token = TOKEN_FILE === "" ? "" : open(TOKEN_FILE).trim();

/**
 * The field with the token.
 * @returns {{ [name: string]: string }}
 */
export function bearer() {
  if (token === "") {
    throw new Error("TOKEN_FILE: expected the absolute path of a file with a token, as `portcullis token jwt mint` prints it");
  }
  return { Authorization: `Bearer ${token}` };
}
