# Sourced by the install scripts: collects Debian packages that are missing and installs them at once.

missing=()

# Wants a package unless a command of it is there already, from wherever it came.
want_command() { # COMMAND PACKAGE
  command -v "$1" >/dev/null 2>&1 || missing+=("$2")
}

# Wants a package.
want_package() { # PACKAGE
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] || missing+=("$1")
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Says no to every start of a service, so that a package does not leave one running now.
refuse_services() {
  [ -e /usr/sbin/policy-rc.d ] && return
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod 755 /usr/sbin/policy-rc.d
  trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
}

install_missing() {
  [ "${#missing[@]}" -eq 0 ] && return
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "$0: this is no Debian system; please install what these packages hold: ${missing[*]}" >&2
    exit 1
  fi
  echo "installing: ${missing[*]}"
  refuse_services
  as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "${missing[@]}" >/dev/null
}

# Keeps a service that was installed by us just now from starting with the machine.
disable_service() { # SERVICE PACKAGE
  case " ${missing[*]} " in
    *" $2 "*) ! command -v systemctl >/dev/null 2>&1 || as_root systemctl --quiet disable "$1" 2>/dev/null || true ;;
  esac
}
