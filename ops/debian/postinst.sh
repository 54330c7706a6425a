#!/bin/sh
# Makes user, secrets and service; then the version that was just unpacked takes over from the running one, without a gap:
#
#   1. /usr/lib/rt-data/rt-data is the new version, rt-data.before the old one, which still runs
#   2. the new version has to accept the config, take over (`rt-data upgrade`), and receive data
#   3. if it does not: the old executable is put back, the new one is kept as rt-data.refused, and dpkg is told of the failure.
#      `dpkg --configure rt-data` tries again
#
# A kill at any point leaves a state that the next run settles.
set -eu
root=${DPKG_ROOT:-}
etc=$root/etc/rt-data
lib=$root/usr/lib/rt-data
unit=$root/usr/lib/systemd/system/rt-data.service
config=$etc/rt-data.toml
# How long a version may take to receive data.
ready_seconds=90

main() {
  [ "$1" = configure ] || {
    # The unpacking of another version failed: this one is in place again.
    rm -f "$lib/rt-data.before"
    return 0
  }
  make_user
  make_secrets
  ! command -v deb-systemd-helper >/dev/null || enable_unit
  [ -d "$root/run/systemd/system" ] || {
    rm -f "$lib/rt-data.before"
    return 0
  }
  systemctl daemon-reload
  if [ -e "$lib/rt-data.refused" ]; then
    keep "$lib/rt-data" "$lib/rt-data.before"
    mv -f "$lib/rt-data.refused" "$lib/rt-data"
  fi
  if [ -z "${2:-}" ]; then
    deb-systemd-invoke start rt-data.service || say "it did not start: journalctl -u rt-data -n 50 --no-pager"
  elif systemctl is-active --quiet rt-data.service && ! runs "$lib/rt-data"; then
    change
  fi
  rm -f "$lib/rt-data.before"
}

change() {
  say "the new version starts beside the running one ..."
  "$root/usr/bin/rt-data" check --only config --config "$config" >&2 || back "it does not accept the config"
  "$root/usr/bin/rt-data" upgrade --config "$config" >&2 || back "it did not take over"
  # 2: http.port is 0, so it cannot be asked.
  "$root/usr/bin/rt-data" check --ready "$ready_seconds" --config "$config" >&2 || [ $? = 2 ] ||
    back "it took over, but receives no data"
}

back() {
  [ -e "$lib/rt-data.before" ] || fail "$1; see: journalctl -u rt-data -n 50 --no-pager"
  mv -f "$lib/rt-data" "$lib/rt-data.refused"
  mv -f "$lib/rt-data.before" "$lib/rt-data"
  if ! systemctl is-active --quiet rt-data.service; then
    systemctl restart rt-data.service || fail "$1, and the version before does not start: journalctl -u rt-data -n 50 --no-pager"
  elif ! runs "$lib/rt-data"; then
    "$root/usr/bin/rt-data" upgrade --config "$config" >&2 || systemctl restart rt-data.service
  fi
  fail "$1. The version before records on. Once the cause is gone: dpkg --configure rt-data; to stay with it: apt install rt-data=VERSION"
}

# Is it this very file that the main process executes? Debian's sh knows -ef.
runs() {
  pid=$(systemctl show --property MainPID --value rt-data.service)
  # shellcheck disable=SC3013
  [ "${pid:-0}" -gt 0 ] && [ "/proc/$pid/exe" -ef "$1" ]
}

keep() {
  ln -f "$1" "$2" 2>/dev/null || cp -p "$1" "$2"
}

make_user() {
  [ -z "$root" ] || return 0
  getent passwd rt-data >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/rt-data --no-create-home --shell /usr/sbin/nologin rt-data
  # Its owner may put a secret there all the same.
  [ "$(stat -c %U:%G "$config")" != root:root ] || { chgrp rt-data "$config" && chmod 640 "$config"; }
}

# The unit names a file for each secret, all of which have to exist; an empty one is none.
make_secrets() {
  [ -d "$etc/credentials" ] || mkdir -m 700 "$etc/credentials"
  sed -n 's|^LoadCredential=[^:]*:/etc/rt-data/credentials/||p' "$unit" | while read -r name; do
    [ -e "$etc/credentials/$name" ] || (umask 077 && : >"$etc/credentials/$name")
  done
}

enable_unit() {
  deb-systemd-helper unmask rt-data.service >/dev/null || true
  if deb-systemd-helper --quiet was-enabled rt-data.service; then
    deb-systemd-helper enable rt-data.service >/dev/null || true
  else
    deb-systemd-helper update-state rt-data.service >/dev/null || true
  fi
}

say() {
  echo "rt-data: $*" >&2
}

fail() {
  say "$*"
  exit 1
}

main "$@"
