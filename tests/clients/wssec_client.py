"""Signs requests by the book with nothing but the standard library: python wssec_client.py HOST PORT PROFILE TOKEN SECRET.

TOKEN and SECRET are base64. Asks without credentials first, then with the token, then with the context it is
granted. Prints one JSON line per request.
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import re
import secrets
import sys

host, port, profile, token, secret = sys.argv[1:]
connection = http.client.HTTPConnection(host, int(port), timeout=30)
authority = f"{host}:{port}"


def b64(octets):
    return base64.b64encode(octets).decode()


def sha256(octets):
    return b64(hashlib.sha256(octets).digest())


def parameters(field):
    return dict(re.findall(r'([a-z]+)="([^"]*)"', field or ""))


def canon(fields, names):
    lines = [f"{name}:{' '.join(fields[name].split())}\n" for name in sorted(names)]
    return ("".join(lines) + "\n").encode()


def ask(how, method, target, body=b"", fields=None):
    connection.request(method, target, body=body or None, headers=fields or {})
    answer = connection.getresponse()
    text = answer.read().decode().strip()
    info = parameters(answer.getheader("X-WSS-AuthInfo"))
    print(json.dumps({"how": how, "status": answer.status, "text": text, "granted": "contexttoken" in info}))
    return answer, info


def signed(profile, octets, key, method, target, body=b"", cut=None):
    text = b64(octets)
    cuts = [text[at : at + cut] for at in range(0, len(text), cut)] if cut else [text]
    fields = {"authorization": f'WSSEC realm="{realm}", profile="{profile}"'}
    fields["x-wss-tokenloc"] = f"location=header, frags={len(cuts)}, fragsize={cut}" if cut else "location=header"
    fields.update({f"x-wss-token{number}": piece for number, piece in enumerate(cuts, 1)})
    usage, nonce = "message" if body else "auth", secrets.token_urlsafe(18)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = ["WSSEC", method, target, authority, "hmac-sha256", usage, nonce, now, sha256(octets)]
    if body:
        fields["content-type"] = "application/json"
        names = sorted(fields)
        digest = sha256(canon(fields, names) + body)
        lines.append(f"sha-256 {digest} {' '.join(names)}")
        fields["x-wss-digest"] = f'alg=sha-256, value="{digest}", covered="{" ".join(names)}"'
    value = b64(hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest())
    fields["x-wss-security"] = (
        f'sigusage={usage}, sigalg=hmac-sha256, nonce="{nonce}", timestamp="{now}", sigval="{value}"'
    )
    return fields


def both(how, profile, octets, key):
    body = json.dumps({"order": 42, "by": how}).encode()
    _, info = ask(how + " get", "GET", "/orders?x=1", fields=signed(profile, octets, key, "GET", "/orders?x=1"))
    ask(how + " post", "POST", "/orders", body, signed(profile, octets, key, "POST", "/orders", body, cut=100))
    return info


answer, _ = ask("none", "GET", "/orders?x=1")
challenges = answer.headers.get_all("WWW-Authenticate")
realm = parameters(challenges[0])["realm"]
info = both("token", profile, base64.b64decode(token), base64.b64decode(secret))
context = base64.b64decode(info["contexttoken"]), base64.b64decode(info["contexttokensecret"])
both("context", "sct", *context)
forged = signed("sct", context[0], bytes(32), "GET", "/orders?x=1")
ask("forged", "GET", "/orders?x=1", fields=forged)
