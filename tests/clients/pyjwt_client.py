"""Tokens made with PyJWT. python pyjwt_client.py keys FOLDER: writes private.json and jwks.json. python pyjwt_client.py ask
ORIGIN FOLDER: asks a gateway with tokens as they should be, and with one thing wrong. Prints one JSON line per request."""
import base64
import json
import pathlib
import secrets
import sys
import time

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

KINDS = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "RS512": lambda: rsa.generate_private_key(65537, 3072),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS384": lambda: rsa.generate_private_key(65537, 4096),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "HS256": lambda: secrets.token_bytes(32),
}


def described(name, key):
    return {**jwt.algorithms.get_default_algorithms()[name].to_jwk(key, as_dict=True), "kid": name, "alg": name}


def make_keys(folder):
    keys = {name: make() for name, make in KINDS.items()}
    public = [described(name, key if isinstance(key, bytes) else key.public_key()) for name, key in keys.items()]
    for key in public:
        # What to do with a key is told by its algorithm here.
        key.pop("key_ops", None)
    (folder / "private.json").write_text(json.dumps([described(name, key) for name, key in keys.items()]))
    (folder / "jwks.json").write_text(json.dumps({"keys": public}))


def signed(key, without=(), header=None, algorithm=None, **claims):
    """A token as it should be, but for these claims and this header."""
    now = int(time.time())
    usual = {"iss": "https://issuer.example", "aud": ["orders"], "sub": "alice", "iat": now, "exp": now + 300, **claims}
    stated = {name: value for name, value in usual.items() if name not in without}
    headers = {"kid": key.key_id, "typ": "at+jwt", **(header or {})}
    return jwt.encode(stated, key.key, algorithm or key.algorithm_name, headers)


def ask(origin, folder):
    keys = {key["kid"]: jwt.PyJWK(key) for key in json.loads((folder / "private.json").read_text())}
    session = requests.Session()
    session.trust_env = False

    def send(how, token):
        answer = session.get(origin + "/orders", headers={"Authorization": f"Bearer {token}"}, timeout=30)
        id = answer.headers.get("X-Request-Id")
        print(json.dumps({"how": how, "status": answer.status_code, "id": id, "text": answer.text.strip()}))

    now = int(time.time())
    for name, key in keys.items():
        good = signed(key)
        header, payload, signature = good.split(".")
        stated = json.loads(base64.urlsafe_b64decode(payload + "=="))
        other = base64.urlsafe_b64encode(json.dumps({**stated, "sub": "mallory"}).encode()).decode().rstrip("=")
        send(name, good)
        send(f"{name}: another key", signed(jwt.PyJWK(described(name, KINDS[name]()))))
        send(f"{name}: other claims", f"{header}.{other}.{signature}")
        send(f"{name}: expired", signed(key, exp=now - 120))
        send(f"{name}: not yet", signed(key, nbf=now + 120))
        send(f"{name}: issuer", signed(key, iss="https://issuer.example.org"))
        send(f"{name}: audience", signed(key, aud=["bills"]))
    key = keys["ES256"]
    send("endless", signed(key, without=["exp"]))
    send("for anybody", signed(key, without=["aud"]))
    send("by nobody", signed(key, without=["iss"]))
    send("an ID token", signed(key, header={"typ": "id_token+jwt"}))
    send("an unknown key", signed(key, header={"kid": "unknown"}))
    send("another algorithm", signed(keys["RS256"], algorithm="PS256"))
    send("unsigned", jwt.encode({"iss": "https://issuer.example", "aud": "orders", "sub": "alice", "exp": now + 300}, None, "none"))


command, *places = sys.argv[1:]
if command == "keys":
    make_keys(pathlib.Path(places[0]))
else:
    ask(places[0], pathlib.Path(places[1]))
