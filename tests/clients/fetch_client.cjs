// Asks a gateway with Node's fetch and with undici: node fetch_client.cjs ORIGIN TOKEN. Prints one JSON line per request.
const { request } = require("undici");

async function main() {
  const [origin, token] = process.argv.slice(2);
  const url = `${origin}/bartender/menu`;
  const show = (how, status, challenge, text) => console.log(JSON.stringify({ how, status, challenge, text: text.trim() }));
  const fetched = async (how, to, options) => {
    const answer = await fetch(to, options);
    show(how, answer.status, answer.headers.get("www-authenticate"), await answer.text());
  };
  const authorization = `WRAP access_token="${token}"`;
  const form = new URLSearchParams({ drink: "a b", wrap_access_token: token });
  await fetched("none", url, {});
  await fetched("header", url, { headers: { authorization } });
  await fetched("query", `${url}?${form}`, {});
  await fetched("form", url, { method: "POST", body: form });
  const { statusCode, headers, body } = await request(url, { headers: { authorization } });
  show("undici", statusCode, headers["www-authenticate"] ?? null, await body.text());
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
