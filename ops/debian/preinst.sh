#!/bin/sh
# Before the files of a new version replace those of the old one: the old executable is kept for postinst, which may have to go back.
set -eu
root=${DPKG_ROOT:-}
lib=$root/usr/lib/rt-data

case $1 in
  install | upgrade)
    if [ -e "$root/opt/rt-data/bin/rt-data" ]; then
      echo "rt-data: this machine has RT-Data from rt-data-install. Remove that first: sudo rt-data-install uninstall" >&2
      echo "rt-data: settings, secrets and recordings stay, and this package goes on with them" >&2
      exit 1
    fi
    # A version that was refused earlier is replaced; what runs is in place again since then.
    rm -f "$lib/rt-data.refused"
    if [ "$1" = upgrade ] && [ -e "$lib/rt-data" ]; then
      ln -f "$lib/rt-data" "$lib/rt-data.before" 2>/dev/null || cp -p "$lib/rt-data" "$lib/rt-data.before"
    fi
    ;;
esac
