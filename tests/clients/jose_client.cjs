// Tokens made with jose. node jose_client.cjs keys FOLDER: writes private.json and jwks.json. node jose_client.cjs ask
// ORIGIN FOLDER: asks a gateway with tokens as they should be, and with one thing wrong. Prints one JSON line per request.
const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

const ALGORITHMS = ["ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"];

async function makeKeys(jose, folder) {
  const make = async (alg) => {
    const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
    const described = async (key) => ({ ...(await jose.exportJWK(key)), kid: alg, alg });
    return { published: await described(publicKey), own: await described(privateKey) };
  };
  const keys = await Promise.all(ALGORITHMS.map(make));
  // Of the same kinds and names, and published nowhere.
  const foreign = await Promise.all(ALGORITHMS.map(make));
  const own = (all) => Object.fromEntries(all.map((key) => [key.own.kid, key.own]));
  writeFileSync(join(folder, "private.json"), JSON.stringify({ keys: own(keys), foreign: own(foreign) }));
  writeFileSync(join(folder, "jwks.json"), JSON.stringify({ keys: keys.map((key) => key.published) }));
}

/** A token as it should be, but for these claims (null: none) and this header. */
async function sign(jose, key, claims = {}, header = {}) {
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: "https://issuer.example", aud: "orders", sub: "alice", iat: now, exp: now + 300, ...claims };
  const stated = Object.fromEntries(Object.entries(usual).filter(([, value]) => value !== null));
  const stating = { alg: key.alg, kid: key.kid, typ: "at+jwt", ...header };
  const signer = new jose.CompactSign(new TextEncoder().encode(JSON.stringify(stated))).setProtectedHeader(stating);
  return signer.sign(await jose.importJWK(key, stating.alg), { crit: { exp: true } });
}

async function show(origin, how, token) {
  const answer = await fetch(`${origin}/orders`, { headers: { authorization: `Bearer ${token}` } });
  const id = answer.headers.get("x-request-id");
  console.log(JSON.stringify({ how, status: answer.status, id, text: (await answer.text()).trim() }));
}

async function ask(jose, origin, folder) {
  const { keys, foreign } = JSON.parse(readFileSync(join(folder, "private.json"), "utf8"));
  const now = Math.floor(Date.now() / 1000);
  for (const alg of ALGORITHMS) {
    const good = await sign(jose, keys[alg]);
    const [header, payload, signature] = good.split(".");
    const changed = payload.slice(0, 20) + (payload[20] === "A" ? "B" : "A") + payload.slice(21);
    await show(origin, alg, good);
    await show(origin, `${alg}: another key`, await sign(jose, foreign[alg]));
    await show(origin, `${alg}: other claims`, [header, changed, signature].join("."));
    await show(origin, `${alg}: expired`, await sign(jose, keys[alg], { exp: now - 120 }));
    await show(origin, `${alg}: not yet`, await sign(jose, keys[alg], { nbf: now + 120 }));
    await show(origin, `${alg}: issuer`, await sign(jose, keys[alg], { iss: "https://issuer.example/" }));
    await show(origin, `${alg}: audience`, await sign(jose, keys[alg], { aud: ["order", "Orders"] }));
  }
  const key = keys.ES256;
  const { alg: _alg, ...rsa } = keys.RS256;
  await show(origin, "endless", await sign(jose, key, { exp: null }));
  await show(origin, "for anybody", await sign(jose, key, { aud: null }));
  await show(origin, "by nobody", await sign(jose, key, { iss: null }));
  await show(origin, "an ID token", await sign(jose, key, {}, { typ: "id_token+jwt" }));
  await show(origin, "an unknown key", await sign(jose, key, {}, { kid: "unknown" }));
  await show(origin, "bound", await sign(jose, key, { cnf: { jkt: await jose.calculateJwkThumbprint(key) } }));
  await show(origin, "critical", await sign(jose, key, {}, { exp: 1, crit: ["exp"] }));
  await show(origin, "another algorithm", await sign(jose, rsa, {}, { alg: "PS256" }));
  const usual = (token) => token.setIssuer("https://issuer.example").setAudience("orders").setExpirationTime("5m");
  const published = new TextEncoder().encode(readFileSync(join(folder, "jwks.json"), "utf8"));
  const mac = usual(new jose.SignJWT({ sub: "alice" })).setProtectedHeader({ alg: "HS256", kid: "ES256", typ: "at+jwt" });
  await show(origin, "what is public as a secret", await mac.sign(published));
  await show(origin, "unsigned", usual(new jose.UnsecuredJWT({ sub: "alice" })).encode());
}

async function main() {
  const jose = await import(require.resolve("jose"));
  const [command, ...places] = process.argv.slice(2);
  await (command === "keys" ? makeKeys : ask)(jose, ...places);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
