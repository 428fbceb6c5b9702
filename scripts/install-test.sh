#!/usr/bin/env bash
# Installs what the tests lean on, if it is missing: clients in other languages, a browser, Prometheus.
# Packages come from Debian and start no service; everything else goes below target/test-tools.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
tools=$PWD/target/test-tools

want_command git git
want_command curl curl
want_command openssl openssl
want_command promtool prometheus
want_command prometheus prometheus
want_command h2load nghttp2-client
want_command python3 python3
python3 -c 'import ensurepip, venv' 2>/dev/null || want_package python3-venv
want_command node nodejs
want_command npm npm
want_package ca-certificates
want_package chromium-headless-shell
install_missing
disable_service prometheus prometheus

for component in rustfmt clippy; do
  cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
done

# Runs an installation once per version of the files that it is about.
once() { # NAME FILE... -- COMMAND...
  local name=$1 files=() mark
  shift
  while [ "$1" != -- ]; do files+=("$1"); shift; done
  shift
  mark=$tools/$name.installed
  if [ "$(cat "${files[@]}" | sha256sum)" != "$(cat "$mark" 2>/dev/null)" ]; then
    echo "installing: $name"
    "$@"
    mkdir -p "$tools"
    cat "${files[@]}" | sha256sum >"$mark"
  fi
}

install_python() {
  python3 -m venv --clear "$tools/python"
  "$tools/python/bin/pip" --quiet --disable-pip-version-check install --only-binary :all: -r scripts/test-tools/requirements.txt
}

install_node() {
  mkdir -p "$tools/node"
  cp scripts/test-tools/package.json scripts/test-tools/package-lock.json "$tools/node/"
  (cd "$tools/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

install_k6_types() {
  (cd loadtest/k6 && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

[ -x "$tools/python/bin/python" ] || rm -f "$tools/python.installed"
[ -d "$tools/node/node_modules" ] || rm -f "$tools/node.installed"
[ -d loadtest/k6/node_modules ] || rm -f "$tools/k6-types.installed"
once python scripts/test-tools/requirements.txt -- install_python
once node scripts/test-tools/package-lock.json -- install_node
once k6-types loadtest/k6/package-lock.json -- install_k6_types
