"""A backend that takes only what its gateway has signed, by the package http-message-signatures.

python http_signature_backend.py JWKS TAG < REQUESTS     a line of JSON for each request; prints what its signature covers, or `refused`
"""
import base64
import datetime
import json
import pathlib
import sys

import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from requests.structures import CaseInsensitiveDict


def octets(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, key_set):
        self.keys = {key["kid"]: key for key in key_set["keys"]}

    def resolve_private_key(self, key_id):
        raise KeyError(key_id)

    def resolve_public_key(self, key_id):
        key = self.keys[key_id]
        if key["kty"] == "OKP":
            return ed25519.Ed25519PublicKey.from_public_bytes(octets(key["x"]))
        numbers = ec.EllipticCurvePublicNumbers(*(int.from_bytes(octets(key[part])) for part in "xy"), ec.SECP256R1())
        return numbers.public_key()


def verified(request, keys, tag):
    headers = CaseInsensitiveDict()
    for name, value in request["fields"]:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    prepared = requests.Request(request["method"], request["url"]).prepare()
    prepared.headers = headers
    why = None
    # The key is the verifier's to choose by its name, and says which algorithm it is for.
    for algorithm in (algorithms.ED25519, algorithms.ECDSA_P256_SHA256):
        verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=Keys(keys))
        try:
            (result,) = verifier.verify(prepared, expect_tag=tag, max_age=datetime.timedelta(minutes=1))
            return " ".join(name for name in result.covered_components if name != '"@signature-params"')
        except Exception as error:
            why = why or error
    print(repr(why), file=sys.stderr)
    return "refused"


key_set = json.loads(pathlib.Path(sys.argv[1]).read_text())
for line in sys.stdin:
    print(verified(json.loads(line), key_set, sys.argv[2]))
