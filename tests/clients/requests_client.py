"""Asks a gateway with `requests`: python requests_client.py ORIGIN TOKEN. Prints one JSON line per request."""
import json
import sys

import requests

origin, token = sys.argv[1:]
session = requests.Session()
session.trust_env = False


def show(how, answer):
    challenge = answer.headers.get("WWW-Authenticate")
    print(json.dumps({"how": how, "status": answer.status_code, "challenge": challenge, "text": answer.text.strip()}))


url = origin + "/bartender/menu"
show("none", session.get(url, timeout=30))
show("header", session.get(url, headers={"Authorization": f'WRAP access_token="{token}"'}, timeout=30))
show("query", session.get(url, params={"drink": "a b", "wrap_access_token": token}, timeout=30))
show("form", session.post(url, data={"drink": "a b", "wrap_access_token": token}, timeout=30))
