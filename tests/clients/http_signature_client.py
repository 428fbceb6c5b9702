"""Requests signed by HTTP message signatures, by the package http-message-signatures.

python http_signature_client.py keys FOLDER           makes keys, and the gateway's halves of them
python http_signature_client.py ask ORIGIN FOLDER     sends requests, right ones and wrong ones; prints a line of JSON for each
python http_signature_client.py check FOLDER METHOD URL BODY < FIELDS     verifies what somebody else has signed
"""
import base64
import datetime
import json
import pathlib
import sys

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

SECRET = bytes(range(64))
ALGORITHMS = {
    "rsa-pss": algorithms.RSA_PSS_SHA512,
    "rsa-v15": algorithms.RSA_V1_5_SHA256,
    "hmac": algorithms.HMAC_SHA256,
    "p256": algorithms.ECDSA_P256_SHA256,
    "p384": algorithms.ECDSA_P384_SHA384,
    "ed25519": algorithms.ED25519,
}
COMPONENTS = ("@method", "@target-uri", "@authority", "@path", "@query", '"@query-param";name="q"', "content-type", "x-note")


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def make_keys(folder):
    made = {
        "rsa-pss": rsa.generate_private_key(65537, 2048),
        "rsa-v15": rsa.generate_private_key(65537, 2048),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    public = folder / "public"
    public.mkdir(parents=True)
    for name, key in made.items():
        pkcs8 = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / f"{name}.pem").write_bytes(pkcs8)
        if name == "rsa-v15":
            numbers = key.public_key().public_numbers()
            modulus, exponent = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.n, numbers.e))
            jwk = {"kty": "RSA", "alg": "RS256", "n": base64url(modulus), "e": base64url(exponent)}
            (public / f"{name}.jwk").write_text(json.dumps(jwk))
        else:
            spki = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            (public / f"{name}.pem").write_bytes(spki)
    (public / "hmac.jwk").write_text(json.dumps({"kty": "oct", "alg": "HS256", "k": base64url(SECRET)}))


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, folder):
        self.folder = folder

    def resolve_private_key(self, key_id):
        name = key_id.removeprefix("unknown-")
        return SECRET if name == "hmac" else (self.folder / f"{name}.pem").read_bytes()

    def resolve_public_key(self, key_id):
        return SECRET if key_id == "hmac" else (self.folder / "public" / f"{key_id}.pem").read_bytes()


def signed(origin, folder, name, body=b'{"order": 42}', method="POST", **changes):
    headers = {"Content-Type": "application/json", "X-Note": "one, two"}
    request = requests.Request(method, f"{origin}/orders?q=a%20b~c&r=1", headers=headers, data=body).prepare()
    settings = {"key_id": name, "label": "sig1", "nonce": base64url(__import__("os").urandom(12)), "body": body}
    settings["covered_component_ids"] = COMPONENTS
    settings["created"] = datetime.datetime.now()
    signer = HTTPMessageSigner(signature_algorithm=changes.pop("algorithm", ALGORITHMS[name]), key_resolver=Keys(folder))
    signer.sign(request, **(settings | changes))
    return request


def ask(origin, folder):
    session = requests.Session()
    session.trust_env = False

    def send(how, request):
        answer = session.send(request, timeout=30)
        print(json.dumps({"how": how, "status": answer.status_code, "text": answer.text.strip()}))

    for name in ALGORITHMS:
        send(name, signed(origin, folder, name))
        send(f"{name} without alg", signed(origin, folder, name, include_alg=False))
    send("get", signed(origin, folder, "ed25519", method="GET", body=None))
    send("forms", signed(origin, folder, "p256", covered_component_ids=COMPONENTS[:2] + ('"x-note";bs', '"content-digest";sf')))
    other = signed(origin, folder, "ed25519")
    other.body = b'{"order": 43}'
    send("another body", other)
    other = signed(origin, folder, "ed25519")
    other.method = "PUT"
    send("another method", other)
    other = signed(origin, folder, "ed25519")
    other.headers["X-Note"] = "one, three"
    send("another field", other)
    send("less", signed(origin, folder, "ed25519", covered_component_ids=("@method",)))
    send("too old", signed(origin, folder, "ed25519", created=datetime.datetime.now() - datetime.timedelta(minutes=10)))
    send("an unknown key", signed(origin, folder, "ed25519", key_id="unknown-ed25519"))
    send("another key", signed(origin, folder, "rsa-pss", key_id="rsa-v15", algorithm=algorithms.RSA_PSS_SHA512))
    twice = signed(origin, folder, "ed25519")
    send("once", twice)
    send("twice", twice)


def check(folder, method, url, body):
    headers = dict(line.split(": ", 1) for line in sys.stdin.read().splitlines())
    name = headers["Signature-Input"].split('keyid="')[1].split('"')[0]
    request = requests.Request(method, url, headers=headers, data=body.encode()).prepare()
    verifier = HTTPMessageVerifier(signature_algorithm=ALGORITHMS[name], key_resolver=Keys(folder))
    for result in verifier.verify(request):
        print(" ".join(result.covered_components))


command, *arguments = sys.argv[1:]
if command == "keys":
    make_keys(pathlib.Path(arguments[0]))
elif command == "ask":
    ask(arguments[0], pathlib.Path(arguments[1]))
else:
    check(pathlib.Path(arguments[0]), *arguments[1:])
