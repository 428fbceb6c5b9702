// An OpenID provider whose keys change when it is told so: node oidc_provider.cjs. Prints its name once it listens.
// PUT /signing-keys/NEW,OLD: keys of these names are published, the first ones sign.
const { generateKeyPairSync } = require("node:crypto");
const { once } = require("node:events");
const { createServer } = require("node:http");

const KINDS = { ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519", {}] };
const made = new Map();

/** One key of each kind, made when the name is heard first. */
function keysNamed(name) {
  if (!made.has(name)) {
    const make = ([alg, [type, options]]) => {
      const { privateKey } = generateKeyPairSync(type, options);
      return { ...privateKey.export({ format: "jwk" }), kid: `${name}-${alg}`, alg, use: "sig" };
    };
    made.set(name, Object.entries(KINDS).map(make));
  }
  return made.get(name);
}

/** https://AUDIENCE.example/ALGORITHM is what tokens are for, and how they are signed. */
function resource(_context, indicator) {
  const { hostname, pathname } = new URL(indicator);
  const sign = { alg: pathname.slice(1) };
  return { scope: "orders", audience: hostname.split(".")[0], accessTokenFormat: "jwt", jwt: { sign } };
}

function settings(names) {
  const [id, secret] = ["alice", "the secret of alice"];
  const client = { client_id: id, client_secret: secret, token_endpoint_auth_method: "client_secret_post" };
  const signing = ["ES256", "EdDSA"];
  return {
    clients: [{ ...client, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] }],
    jwks: { keys: names.flatMap(keysNamed) },
    scopes: ["orders"],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: resource },
    },
    enabledJWA: { idTokenSigningAlgValues: signing, dPoPSigningAlgValues: ["ES256", "RS256", "PS256", "Ed25519"] },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
  };
}

async function main() {
  const { default: Provider } = await import(require.resolve("oidc-provider"));
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let answer;
  const publish = (names) => {
    answer = new Provider(issuer, settings(names)).callback();
  };
  publish(["first"]);
  server.on("request", (request, response) => {
    if (request.method !== "PUT") return answer(request, response);
    publish(request.url.replace("/signing-keys/", "").split(","));
    return response.writeHead(204).end();
  });
  console.log(issuer);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
