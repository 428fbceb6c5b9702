#!/usr/bin/env bash
# Starts the echo backend and the gateway in front of it, with a key made for the occasion, and stops
# both on Ctrl-C. With a command after `--`, runs that command meanwhile and ends with its status.
#   scripts/run-demo.sh [-- COMMAND...]
set -euo pipefail
cd "$(dirname "$0")/.."

portcullis=${PORTCULLIS:-target/release/portcullis}
config=${PORTCULLIS_CONFIG:-config/portcullis.yaml}
demo=target/demo
key=$demo/swt.key
gateway=127.0.0.1:8080
backend=127.0.0.1:9000
issuer=https://nightclub.example/
audience=http://localhost:8080/bartender
# For a configuration that names its key by `${PORTCULLIS_KEY_FILE}`.
export PORTCULLIS_KEY_FILE=$PWD/$key

pids=()
stop() {
  trap - EXIT INT TERM
  [ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

listens() { # ADDRESS:PORT
  (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null
}

start() { # ADDRESS COMMAND...
  local address=$1
  shift
  if listens "$address"; then
    echo "$0: something listens on $address already; stop it first" >&2
    exit 1
  fi
  "$@" &
  pids+=($!)
  for _ in $(seq 100); do
    listens "$address" && return
    kill -0 $! 2>/dev/null || break
    sleep 0.1
  done
  echo "$0: '$*' does not listen on $address" >&2
  exit 1
}

print_commands() {
  cat <<END

The gateway listens on http://$gateway, the echo backend behind it on http://$backend.
Paste these into another terminal, in this folder ($PWD):

1. No token: 401, and a challenge that says what to send.
   curl -i http://$gateway/bartender/

2. A token, minted with the key that the gateway trusts: 200, and the identity the backend received.
   TOKEN=\$($portcullis token swt mint --key-file $key --issuer $issuer --audience $audience --claim Name=Jane --claim Birthdate=1979-05-25)
   curl -i -H "Authorization: WRAP access_token=\\"\$TOKEN\\"" http://$gateway/bartender/

3. The same token with one claim changed: 401; the reason stands in the log below.
   curl -i -H "Authorization: WRAP access_token=\\"\$(echo "\$TOKEN" | sed s/1979/1969/)\\"" http://$gateway/bartender/

Ctrl-C stops both.

END
}

mkdir -p "$demo"
[ -s "$key" ] || "$portcullis" keys swt --out "$key"
start "$backend" "$portcullis" echo --listen "$backend"
start "$gateway" "$portcullis" run --config "$config"

if [ "${1:-}" = -- ]; then
  shift
  "$@"
else
  print_commands
  wait -n
  echo "$0: one of the two ended by itself" >&2
  exit 1
fi
