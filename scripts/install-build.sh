#!/usr/bin/env bash
# Installs what `cargo build` needs beyond Rust, if it is missing: a C and C++ compiler, make, cmake.
set -euo pipefail
. "$(dirname "$0")/packages.sh"

want_command cmake cmake
want_command g++ g++
want_command make make
want_command pkg-config pkg-config
install_missing

if ! command -v cargo >/dev/null 2>&1; then
  echo "$0: no cargo here; Rust 1.95 or later is needed (Debian's is older): see https://rustup.rs" >&2
  exit 1
fi
