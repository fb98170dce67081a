#!/usr/bin/env bash
# Installs the Debian packages that are missing from sections of tools/debian-packages.txt:
#   tools/setup.sh SECTION…
# When nothing is missing it asks for no rights, touches no network and says nothing.
# Where it cannot install, it names the packages and ends with 1; SYSTEM=ready skips it, for other systems.
# What apt-get says goes to .cache/apt.log.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
policy=${POLICY:-/usr/sbin/policy-rc.d}

main() {
  [ "${SYSTEM:-}" != ready ] || return 0
  require_python
  local packages
  mapfile -t packages < <(missing $(listed "$@"))
  [ ${#packages[@]} -gt 0 ] || return 0
  become_root "${packages[@]}"
  echo "Installing from Debian (some minutes): ${packages[*]}"
  mkdir -p .cache
  hold_services
  install "${packages[@]}"
  keep_services_off "${packages[@]}"
}

require_python() {
  "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || {
    echo "Loa needs Python 3.11, 3.12 or 3.13; $python is $("$python" -V 2>&1 || true). Name another: make PYTHON=python3.11 …" >&2
    exit 1
  }
}

listed() {
  local section
  for section; do
    # A Python from elsewhere brings its own pip and venv.
    if [ "$section" = python ] && "$python" -c 'import ensurepip, venv' 2>/dev/null; then continue; fi
    awk -v wanted="[$section]" '/^\[/ { inside = $1 == wanted; next } inside && NF && !/^#/ { print $1 }' \
      tools/debian-packages.txt
  done
}

missing() {
  local package
  for package; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

become_root() {
  as_root=()
  if ! command -v apt-get >/dev/null; then cannot "there is no apt-get here" "$@"; fi
  if [ "$(id -u)" = 0 ]; then return; fi
  if ! command -v sudo >/dev/null; then cannot "this needs root, and there is no sudo" "$@"; fi
  as_root=(sudo)
  [ -t 0 ] || as_root=(sudo -n) # nobody is there to type a password
  "${as_root[@]}" true || cannot "sudo refused" "$@"
}

cannot() {
  local why=$1
  shift
  {
    echo "Loa needs these Debian packages, and cannot install them: $why."
    echo "  apt-get install --no-install-recommends $*"
    echo "Install them (or their like on another system) and run make again with SYSTEM=ready."
  } >&2
  exit 1
}

# Debian starts a service when its package is installed. Loa starts its own broker and test servers on ports of
# their own, so a policy forbids that while we install, unless the machine has a policy already.
hold_services() {
  [ ! -e "$policy" ] || return 0
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
}

install() {
  # Lists that are absent or old name packages that cannot be had.
  apt install --simulate "$@" || apt update
  apt install "$@" || { apt update && apt install "$@"; } || {
    tail -n 5 .cache/apt.log >&2
    cannot "apt-get failed" "$@"
  }
}

apt() {
  local verb=$1
  shift
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get "$verb" -qq --yes --no-install-recommends -o Dpkg::Use-Pty=0 "$@" </dev/null >>.cache/apt.log 2>&1
}

# Nor shall a service that came only for us start at the next boot. One that was here before is left alone.
keep_services_off() {
  command -v systemctl >/dev/null || return 0
  local package
  for package; do
    case $package in
      mosquitto | postgresql | snapserver | snapclient) "${as_root[@]}" systemctl disable --quiet "$package" >/dev/null 2>&1 || true ;;
    esac
  done
}

main "$@"
