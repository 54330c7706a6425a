#!/bin/sh
# An upgrade stops nothing: the running version records until the new one takes over.
set -eu
if [ "$1" = remove ] && [ -d "${DPKG_ROOT:-}/run/systemd/system" ]; then
  deb-systemd-invoke stop rt-data.service || true
fi
