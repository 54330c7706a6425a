#!/bin/sh
# Recordings are never removed, not even by purge.
set -eu
root=${DPKG_ROOT:-}
case $1 in
  remove | purge)
    rm -f "$root/usr/lib/rt-data/rt-data.before" "$root/usr/lib/rt-data/rt-data.refused"
    rmdir "$root/usr/lib/rt-data" 2>/dev/null || true
    [ ! -d "$root/run/systemd/system" ] || systemctl daemon-reload || true
    ;;
esac
if [ "$1" = purge ]; then
  rm -rf "$root/etc/rt-data/credentials"
  rm -f "$root/etc/rt-data/rt-data.env"
  rmdir "$root/etc/rt-data" 2>/dev/null || true
  if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper purge rt-data.service >/dev/null || true
    deb-systemd-helper unmask rt-data.service >/dev/null || true
  fi
  [ ! -d "$root/var/lib/rt-data" ] || echo "rt-data: the recordings in /var/lib/rt-data are kept; remove them by hand" >&2
fi
