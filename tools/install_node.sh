#!/usr/bin/env bash
# Makes this machine a node, or brings it to the release in this checkout: `make install-node`, as root.
# May be run again at any time: what is there is left as it is, keys, recordings and settings above all.
# Where systemd does not run (an image that is being built), everything is prepared and nothing is started.
set -euo pipefail
cd "$(dirname "$0")/.."
home=/opt/loa
data=/var/lib/loa
settings=/etc/loa/node.env
units=/etc/systemd/system
python=${PYTHON:-python3}

main() {
  [ "$(id -u)" = 0 ] || stop "only root can install a service: sudo make install-node"
  command -v systemctl >/dev/null || stop "this machine has no systemd, which starts a node again; use Debian or Raspberry Pi OS"
  tools/setup.sh python node
  make_user
  install_version
  point_at_version
  install_settings
  install_command
  install_units
  tell_what_is_next
}

stop() {
  echo "install-node: $*" >&2
  exit 1
}

make_user() {
  command install -m 644 systemd/loa.sysusers.conf /usr/lib/sysusers.d/loa.conf
  systemd-sysusers /usr/lib/sysusers.d/loa.conf
  ! getent group gpio >/dev/null || usermod -aG gpio loa
  # Others may put nothing here, and the updater replace no link but its own.
  command install -d -o root -g loa-update -m 1775 "$home"
  command install -d -o loa-update -g loa-update -m 755 "$home/versions" "$home/update"
  command install -d -o root -g loa -m 750 /etc/loa
  command install -d -o loa -g loa -m 750 "$data"
}

# An environment cannot be moved, so it is made in its place; the mark says that it is whole. It is made by the
# updater, who may read nothing of the checkout: from a copy.
install_version() {
  version=$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
  venv=$home/versions/$version
  local made_of source
  made_of=$({ cat requirements-node.lock pyproject.toml; find loa -name '*.py' -print0 | sort -z | xargs -0 cat; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$venv/made-of" 2>/dev/null)" != "$made_of" ] || return 0
  echo "Installing Loa $version into $venv (some minutes on a small machine)"
  source=$(mktemp -d)
  cp -r pyproject.toml requirements-node.lock README.md LICENSE loa "$source"
  chown -R loa-update "$source"
  as_updater rm -f "$venv/made-of"
  as_updater "$python" -m venv --clear "$venv"
  into_version --require-hashes -r "$source/requirements-node.lock"
  into_version --no-deps "$source"
  rm -rf "$source"
  as_updater "$venv/bin/loa-node" check-release >/dev/null || stop "the new version does not start; the old one goes on"
  sync
  as_updater tee "$venv/made-of" <<<"$made_of" >/dev/null
  changed=yes
}

into_version() {
  as_updater "$venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check "$@"
}

as_updater() {
  runuser -u loa-update -- env HOME="$home/update" "$@"
}

point_at_version() {
  local link
  for link in current steady; do
    [ "$(readlink "$home/$link" 2>/dev/null)" != "versions/$version" ] || continue
    as_updater ln -sfn "versions/$version" "$home/.$link.part"
    as_updater mv -T "$home/.$link.part" "$home/$link"
    changed=yes
  done
}

install_settings() {
  [ ! -e "$settings" ] || return 0
  cat >"$settings" <<'END'
# Settings of this node; what they mean stands in docs/settings.md. A change counts after `systemctl restart loa-node`.
#LOA_NODE_SINK=default
#LOA_NODE_DATA=/var/lib/loa
END
  chgrp loa "$settings"
  chmod 640 "$settings"
}

# For people: as the service's user, with the service's settings, wherever the version in use is.
install_command() {
  cat >/usr/local/bin/loa-node <<'END'
#!/bin/sh
# Runs the command of the Loa version in use as the user of the service, with its settings.
set -a
[ ! -r /etc/loa/node.env ] || . /etc/loa/node.env
set +a
cd /
if [ "$(id -u)" = 0 ]; then
  runuser -u loa -- /opt/loa/current/bin/loa-node "$@" || exit
else
  exec /opt/loa/current/bin/loa-node "$@"
fi
# Who has enrolled wants to hear something.
if [ "$1" = enrol ] && [ -d /run/systemd/system ]; then systemctl restart loa-node; fi
END
  chmod 755 /usr/local/bin/loa-node
}

install_units() {
  local unit name
  for unit in systemd/loa-node*; do
    name=$(basename "$unit")
    cmp -s "$unit" "$units/$name" || { command install -m 644 "$unit" "$units/$name"; changed=yes; }
    ! grep -q '^\[Install\]' "$unit" || systemctl enable --quiet "$name"
  done
  [ -d /run/systemd/system ] || return 0
  [ -z "${changed:-}" ] || { systemctl daemon-reload; systemctl restart loa-node; }
}

tell_what_is_next() {
  if [ -e "$data/enrolment.json" ] || [ -e "$data/node/enrolment.json" ]; then
    echo "Loa $version is installed. How the node is: loa-node status"
  else
    echo "Loa $version is installed. Next, with the code that the console shows: loa-node enrol <url> <code>"
  fi
}

main "$@"
