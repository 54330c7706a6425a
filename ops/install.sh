#!/bin/sh
# Installs RT-Data as a service, changes its version without a gap, and goes back. As root, on Debian or Ubuntu (systemd):
#
#   sh install.sh install rt-data-linux-x64     user, folders, config, service; beside the file lies its SHA256SUMS
#   rt-data-install upgrade rt-data-linux-x64   the new version starts beside the old one and takes over from it
#   rt-data-install rollback                    the same with the version before
#   rt-data-install status                      what is installed, and what runs
#
# `--unverified` does without SHA256SUMS, for an executable that you have built yourself. `--root DIR` works below another root, for
# images and tests: no user is made and nobody's files are given away. Every step may be repeated.
set -eu

user=rt-data
root=
verify=yes
keep=3
# How long a version may take to receive data, seconds.
ready_seconds=${INSTALL_READY_SECONDS:-90}

main() {
  command=
  file=
  while [ $# -gt 0 ]; do
    case $1 in
      --unverified) verify=no ;;
      --root)
        [ $# -gt 1 ] || fail "--root needs a folder"
        root=${2%/}
        shift
        ;;
      --root=*) root=${1#--root=} root=${root%/} ;;
      -h | --help | help) command=help ;;
      -*) fail "unknown flag $1; there are --unverified and --root DIR" ;;
      *)
        if [ -z "$command" ]; then
          command=$1
        elif [ -z "$file" ]; then
          file=$1
        else
          fail "\"$1\" is one word too many"
        fi
        ;;
    esac
    shift
  done
  opt=$root/opt/rt-data
  etc=$root/etc/rt-data
  state=$root/var/lib/rt-data
  unit=$root/etc/systemd/system/rt-data.service
  case $command in
    install) install_release ;;
    upgrade) upgrade ;;
    rollback) rollback ;;
    status) status ;;
    help) sed -n '2,11s/^# \{0,1\}//p' "$0" ;;
    "") fail "say what: install FILE, upgrade FILE, rollback, status (--help tells more)" ;;
    *) fail "unknown command \"$command\"; there are install FILE, upgrade FILE, rollback, status" ;;
  esac
}

install_release() {
  as_root
  take_release
  make_user
  make_folders
  current=$(installed)
  if [ -n "$current" ] && [ "$current" != "$version" ] && is_active; then
    say "version $current runs here: this becomes an upgrade"
    change_to "$version"
    return
  fi
  put_in_place "$version"
  say "version $version is installed"
  systemctl enable --quiet rt-data
  if is_active; then
    say "it runs already and is left alone"
  else
    systemctl start rt-data || fail "it did not start; see: journalctl -u rt-data -n 50 --no-pager"
  fi
  wait_until_ready || fail "it runs, but does not receive data yet; see: rt-data check"
  say "it records. Settings: $etc/rt-data.toml; what is wrong, if anything: rt-data check"
}

upgrade() {
  as_root
  [ -n "$(installed)" ] || fail "nothing is installed yet: use install"
  take_release
  if [ "$(installed)" = "$version" ] && cmp -s "$opt/releases/$version/rt-data" "$opt/bin/rt-data"; then
    say "version $version is in place already"
  else
    change_to "$version"
  fi
}

rollback() {
  as_root
  previous=$(cat "$opt/previous" 2>/dev/null) || fail "there is no version before this one"
  [ -x "$opt/releases/$previous/rt-data" ] || fail "version $previous is not kept any more; there are: $(versions)"
  change_to "$previous"
}

status() {
  say "installed: $(installed)"
  say "before it: $(cat "$opt/previous" 2>/dev/null || echo none)"
  say "kept: $(versions)"
  say "running: $(running_version)"
}

# The file that was given, checked, becomes releases/<version>/rt-data; sets $version.
take_release() {
  [ -n "$file" ] || fail "say which file: $command rt-data-linux-x64"
  [ -f "$file" ] || fail "there is no file $file"
  [ "$verify" = no ] || verify_sum
  staged=$opt/releases/.new
  install -d -m 755 "$opt" "$opt/releases" "$opt/bin"
  install -m 755 "$file" "$staged"
  words=$("$staged" --version 2>&1) || {
    rm -f "$staged"
    fail "$file does not run on this machine ($(uname -m)): $words. For an old processor take the -baseline file, for Alpine the -musl one"
  }
  version=${words#rt-data }
  case $version in
    "" | .* | *[!A-Za-z0-9.+_-]*) fail "$file does not say its version, but: $words" ;;
  esac
  install -d -m 755 "$opt/releases/$version"
  mv -f "$staged" "$opt/releases/$version/rt-data"
}

verify_sum() {
  sums=$(dirname "$file")/SHA256SUMS
  name=$(basename "$file")
  [ -f "$sums" ] || fail "SHA256SUMS of the release does not lie beside $file: fetch it too, or say --unverified for a build of your own"
  wanted=$(awk -v name="$name" '{ sub(/^\*/, "", $2) } $2 == name { print $1 }' "$sums")
  [ -n "$wanted" ] || fail "$sums does not name $name"
  [ "$(sha256sum "$file" | cut -d" " -f1)" = "$wanted" ] || fail "$file is not the file that $sums means: fetch it again"
}

make_user() {
  [ -z "$root" ] || return 0
  getent passwd "$user" >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/rt-data --no-create-home --shell /usr/sbin/nologin "$user"
}

make_folders() {
  install -d -m 755 "$etc" "$(dirname "$unit")" "$root/usr/local/bin" "$root/usr/local/sbin" "$root/var/lib"
  install -d -m 700 "$etc/credentials"
  owned -d -m 750 "$state"
  if [ ! -e "$etc/rt-data.toml" ]; then
    "$opt/releases/$version/rt-data" ops config --config /dev/null | at_once "$etc/rt-data.toml" 640
    [ -n "$root" ] || chgrp "$user" "$etc/rt-data.toml"
  fi
}

# install(1), for the service's user where there is one.
owned() {
  if [ -n "$root" ]; then install "$@"; else install -o "$user" -g "$user" "$@"; fi
}

# Executable, unit and commands of a version that is kept; each file changes at once or not at all.
put_in_place() {
  exe=$opt/releases/$1/rt-data
  "$exe" check --only config --config "$etc/rt-data.toml" >&2 || fail "version $1 does not accept the config: nothing was changed"
  "$exe" ops systemd --config "$etc/rt-data.toml" | sed "s|--config $root/etc/|--config /etc/|" | at_once "$unit" 644
  sed -n 's|^LoadCredential=[^:]*:/etc/rt-data/credentials/||p' "$unit" | while read -r name; do
    [ -e "$etc/credentials/$name" ] || (umask 077 && : >"$etc/credentials/$name")
  done
  "$exe" ops install | at_once "$root/usr/local/sbin/rt-data-install" 755
  wrapper | at_once "$root/usr/local/bin/rt-data" 755
  before=$(installed)
  [ -z "$before" ] || [ "$before" = "$1" ] || echo "$before" | at_once "$opt/previous" 644
  ln -f "$exe" "$opt/bin/.rt-data.new"
  mv -f "$opt/bin/.rt-data.new" "$opt/bin/rt-data"
  echo "$1" | at_once "$opt/current" 644
  systemctl daemon-reload
}

# rt-data by hand, with the settings of the service and, for root, its secrets.
wrapper() {
  cat <<'EOF'
#!/bin/sh
# rt-data by hand: with the settings of the service and, where they may be read, its secrets.
for file in /etc/rt-data/credentials/*; do
  [ -r "$file" ] || continue
  name=$(basename "$file" | tr '[:lower:]' '[:upper:]')
  export "RT_DATA_${name}_FILE=$file"
done
if [ -r /etc/rt-data/rt-data.env ]; then
  set -a
  . /etc/rt-data/rt-data.env
  set +a
fi
exec /opt/rt-data/bin/rt-data "$@"
EOF
}

# Makes the running service one of version $1 without a gap; goes back by itself where that version does not get ready.
change_to() {
  before=$(installed)
  older=$(cat "$opt/previous" 2>/dev/null || true)
  put_in_place "$1"
  if ! is_active; then
    systemctl start rt-data || back "$before" "version $1 did not start"
    wait_until_ready || back "$before" "version $1 does not get ready"
  else
    say "version $1 starts beside $before ..."
    take_over || back "$before" "version $1 did not take over"
    wait_until_ready || back "$before" "version $1 took over, but does not get ready"
  fi
  say "version $1 records; $before is kept for: rt-data-install rollback"
  forget_old
}

# The running process starts what lies in its place beside itself; that one takes over, or the running one records on. Says which.
take_over() {
  "$opt/bin/rt-data" upgrade --config "$etc/rt-data.toml" >&2 && is_active
}

back() {
  say "$2: going back to version $1"
  put_in_place "$1"
  rm -f "$opt/previous"
  [ -z "$older" ] || echo "$older" | at_once "$opt/previous" 644
  if ! is_active; then
    systemctl restart rt-data || fail "version $1 did not start either; see: journalctl -u rt-data -n 50 --no-pager"
  elif [ "$(running_version)" != "$1" ]; then
    take_over || systemctl restart rt-data || fail "version $1 did not start either; see: journalctl -u rt-data -n 50 --no-pager"
  fi
  wait_until_ready || fail "version $1 is back in place, but does not receive data; see: rt-data check"
  fail "$2. Version $1 records as before; see: journalctl -u rt-data -n 50 --no-pager"
}

# Data flows, as the running recorder itself says.
wait_until_ready() {
  "$opt/bin/rt-data" check --ready "$ready_seconds" --config "$etc/rt-data.toml" >&2
}

versions() {
  find "$opt/releases" -mindepth 1 -maxdepth 1 -type d -exec basename {} \; 2>/dev/null | sort | tr '\n' ' '
}

# Of the versions that are neither in place nor the one before, the newest ones stay.
forget_old() {
  previous=$(cat "$opt/previous" 2>/dev/null || true)
  # shellcheck disable=SC2012 # versions have no odd characters, take_release sees to it
  ls -1t "$opt/releases" | while read -r kept; do
    case $kept in
      "$(installed)" | "$previous") ;;
      *) echo "$kept" ;;
    esac
  done | tail -n "+$((keep - 1))" | while read -r old; do rm -rf "${opt:?}/releases/$old"; done
}

installed() {
  cat "$opt/current" 2>/dev/null || true
}

is_active() {
  systemctl is-active --quiet rt-data
}

main_pid() {
  pid=$(systemctl show --property MainPID --value rt-data 2>/dev/null) || pid=0
  echo "${pid:-0}"
}

# Of the process itself, which may not be what lies on the disk by now.
running_version() {
  pid=$(main_pid)
  if [ "$pid" -gt 0 ] && words=$("/proc/$pid/exe" --version 2>/dev/null); then echo "${words#rt-data }"; else echo none; fi
}

# Standard input becomes the file $1 with mode $2, at once.
at_once() {
  cat >"$1.new"
  if [ ! -s "$1.new" ]; then
    rm -f "$1.new"
    fail "nothing could be made for $1: it is as it was"
  fi
  chmod "$2" "$1.new"
  mv -f "$1.new" "$1"
}

as_root() {
  [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "this needs root: sudo $0 $command"
  command -v systemctl >/dev/null || fail "there is no systemd here: start \"rt-data record\" by what this system has instead"
}

say() {
  printf 'rt-data-install: %s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

main "$@"
