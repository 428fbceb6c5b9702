// Tokens of an OpenID provider, bound to keys by dpop: node dpop_client.cjs ORIGIN ISSUER. Asks a gateway with proofs as they
// should be, and with one thing wrong. Prints one JSON line per request.

/** A token of the provider; with a proof for it, it is bound to the key of the proof. */
async function tokenOf(issuer, proof) {
  const client = { client_id: "alice", client_secret: "the secret of alice" };
  const about = { scope: "orders", resource: "https://orders.example/ES256" };
  const body = new URLSearchParams({ grant_type: "client_credentials", ...client, ...about });
  const answer = await fetch(`${issuer}/token`, { method: "POST", body, headers: proof ? { dpop: proof } : {} });
  const { access_token: token, token_type: type } = await answer.json();
  if (type !== (proof ? "DPoP" : "Bearer")) throw new Error(`a token of type ${type}: ${answer.status}`);
  return token;
}

async function main() {
  const dpop = await import(require.resolve("dpop"));
  const [origin, issuer] = process.argv.slice(2);
  const holder = async (alg) => {
    const keys = await dpop.generateKeyPair(alg);
    return { keys, token: await tokenOf(issuer, await dpop.generateProof(keys, `${issuer}/token`, "POST")) };
  };
  const url = `${origin}/bound/menu`;
  const prove = ({ keys, token }, changes = {}) => {
    const { htu, htm, nonce, of, more } = { htu: url, htm: "GET", of: token, ...changes };
    return dpop.generateProof(keys, htu, htm, nonce, of ?? undefined, more);
  };
  const send = async (how, token, proof, to = url, scheme = "DPoP") => {
    const headers = { authorization: `${scheme} ${token}`, ...(proof ? { dpop: proof } : {}) };
    const answer = await fetch(to, { headers });
    const error = /error="([^"]*)"/.exec(answer.headers.get("www-authenticate") ?? "")?.[1] ?? null;
    const text = (await answer.text()).trim();
    console.log(JSON.stringify({ how, status: answer.status, id: answer.headers.get("x-request-id"), text, error }));
    return answer.headers.get("dpop-nonce");
  };

  for (const alg of ["RS256", "PS256", "Ed25519", "ES256"]) {
    const each = await holder(alg);
    await send(alg, each.token, await prove(each));
    await send(`${alg} again`, each.token, await prove(each), `${url}?a=1`);
  }

  const alice = await holder("ES256");
  const other = await holder("ES256");
  const { token } = alice;
  const once = await prove(alice);
  await send("once", token, once);
  await send("twice", token, once);
  await send("another path", token, await prove(alice, { htu: `${origin}/bound/` }));
  await send("another host", token, await prove(alice, { htu: "http://orders.example/bound/menu" }));
  await send("another method", token, await prove(alice, { htm: "POST" }));
  await send("another token", token, await prove(alice, { of: other.token }));
  await send("no token in the proof", token, await prove(alice, { of: null }));
  await send("another holder", token, await prove({ ...other, token }));
  await send("no proof", token);
  await send("two proofs", token, `${await prove(alice)}, ${await prove(alice)}`);
  const [header, payload] = (await prove(alice)).split(".");
  const [, , signature] = (await prove(alice)).split(".");
  await send("the signature of another", token, [header, payload, signature].join("."));
  const { now } = Date;
  Date.now = () => now() - 600_000;
  const old = await prove(alice);
  Date.now = () => now() + 600_000;
  const early = await prove(alice);
  Date.now = now;
  await send("too old", token, old);
  await send("too early", token, early);
  await send("as a bearer token", token, await prove(alice), `${origin}/plain/menu`, "Bearer");
  const unbound = await tokenOf(issuer);
  await send("bound to nobody", unbound, await prove({ ...alice, token: unbound }));
  await send("for its bearer", unbound, undefined, `${origin}/plain/menu`, "Bearer");

  const fresh = `${origin}/fresh/menu`;
  const answering = (nonce) => prove(alice, { htu: fresh, nonce });
  const nonce = await send("no nonce", token, await answering(), fresh);
  await send("the nonce", token, await answering(nonce), fresh);
  await send("the nonce again", token, await answering(nonce), fresh);
  const next = await send("another nonce", token, await answering(`${nonce}x`), fresh);
  await send("the next nonce", token, await answering(next), fresh);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
