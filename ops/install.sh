#!/bin/sh
# Installs RT-Data as a service, changes its version without a gap, and goes back. As root, on Debian or Ubuntu (systemd):
#
#   sh install.sh install rt-data-linux-x64     user, folders, config, service; beside the file lies its SHA256SUMS
#   rt-data-install upgrade rt-data-linux-x64   the new version starts beside the old one and takes over from it
#   rt-data-install rollback                    the same with the version before; or with one that is kept: rollback 1.2.3
#   rt-data-install status                      what is installed, and what runs
#   rt-data-install uninstall                   stops and removes it; settings, secrets and recordings stay
#
# Without a file, install and upgrade fetch it from a release: `--from URL` names the folder of its files, and is remembered.
# `--unverified` does without SHA256SUMS, for an executable that you have built yourself. `--root DIR` works below another root, for
# images and tests: no user is made and nobody's files are given away. Every command may be killed at any moment and repeated.
#
# How a version is changed. A runs, B is to run. Every file is written beside its place and renamed, so that a kill, a power loss or a
# full disk leaves the state before a line or behind it:
#
#   1. releases/B/rt-data                         checked; nobody runs it yet
#   2. bin/.rt-data.before = A, then `changing`   what to go back to: the very file, the versions, and what was asked for
#   3. bin/rt-data = B, current, previous         the executable first: from here on a restart starts B, with A's unit
#   4. the running process hands over             then /proc/PID/exe is B: the process is asked, not a file
#   5. install script, command, unit              the unit last: it is never newer than the executable
#   6. `changing` and .before go
#
# The next command settles what a killed one has left (`settle`): if A still runs, the executable is A again; otherwise B stays.
set -eu
umask 022

user=rt-data
# The folder of the release that this script belongs to, as a URL; empty in the one that `rt-data ops install` prints.
from=
# The temporary folder of a fetched file.
fetched=
root=
verify=yes
keep=3
# How long a version may take to receive data, seconds.
ready_seconds=${INSTALL_READY_SECONDS:-90}
# What `settle` has found of an interrupted command: its verb and version.
interrupted=
interrupted_version=
# "yes" or "no" once it has been looked.
systemd=
# An error on the way puts the old executable back.
undo=no

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
      --from)
        [ $# -gt 1 ] || fail "--from needs the address of a release's folder"
        from=$2
        shift
        ;;
      --from=*) from=${1#--from=} ;;
      -*) fail "unknown flag $1; there are --from URL, --unverified and --root DIR" ;;
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
  placed=$opt/bin/rt-data
  has_systemd || true
  before=$opt/bin/.rt-data.before
  case $command in
    install) install_release ;;
    upgrade) upgrade ;;
    rollback) rollback ;;
    status) status ;;
    uninstall) uninstall ;;
    help) sed -n '2,12s/^# \{0,1\}//p' "$0" ;;
    "") fail "say what: install FILE, upgrade FILE, rollback, status, uninstall (--help tells more)" ;;
    *) fail "unknown command \"$command\"; there are install FILE, upgrade FILE, rollback, status, uninstall" ;;
  esac
}

install_release() {
  as_root
  [ ! -e "$root/usr/lib/rt-data/rt-data" ] || fail "this machine has the Debian package rt-data: use apt, or remove the package first"
  fetch_file
  check_file
  install -d -m 755 "$root/opt" "$opt" "$opt/releases" "$opt/bin" || fail "cannot make the folders below $opt"
  begin
  take_release
  make_user
  make_folders
  if [ -e "$placed" ] && ! is_placed "$version"; then
    ! is_active || say "version $(installed) runs here: this becomes an upgrade"
    change_to "$version"
    return
  fi
  accepts_config "$version"
  [ -e "$placed" ] || place "$(release_of "$version")"
  at_once "$opt/current" 644 echo "$version"
  place_rest "$version"
  say "version $version is installed"
  if ! has_systemd; then
    say "nothing was started, since systemd does not run here; where it does: systemctl enable --now rt-data"
    return
  fi
  service enable --quiet rt-data
  if is_active; then
    say "it runs already and is left alone"
  else
    service start rt-data || fail "it did not start; see: journalctl -u rt-data -n 50 --no-pager"
  fi
  wait_until_ready || fail "it runs, but does not receive data yet; see: rt-data check"
  say "it records. Settings: $etc/rt-data.toml; what is wrong, if anything: rt-data check"
  say "it is the service rt-data, which runs $placed as user $user; its recordings are in $state unless the settings say otherwise"
  say "the commands are rt-data and rt-data-install (upgrade, rollback, status, uninstall)"
}

upgrade() {
  as_root
  [ -e "$placed" ] || fail "nothing is installed yet: use install"
  fetch_file
  check_file
  begin
  take_release
  if is_placed "$version"; then
    [ -z "$interrupted" ] || place_rest "$version"
    say "version $version is in place already$(is_active || echo "; the service does not run: systemctl start rt-data")"
  else
    change_to "$version"
  fi
}

rollback() {
  as_root
  [ -e "$placed" ] || fail "nothing is installed yet: use install"
  begin
  target=$file
  # A rollback that was killed once its version ran is completed: another one would go forward again.
  [ -n "$target" ] || [ "$interrupted" != rollback ] || target=$interrupted_version
  [ -n "$target" ] || target=$(previous)
  [ -n "$target" ] || fail "there is no version before this one"
  is_name "$target" || fail "\"$target\" is no version; there are: $(versions)"
  [ -x "$(release_of "$target")" ] || fail "version $target is not kept any more; there are: $(versions)"
  if is_placed "$target"; then
    [ -z "$interrupted" ] || place_rest "$target"
    say "version $target is in place already"
  else
    change_to "$target"
  fi
}

# Stops and removes what was installed. The installer goes last, so that a killed uninstall can be repeated.
uninstall() {
  as_root
  own=$root/usr/local/sbin/rt-data-install
  [ -e "$opt" ] || [ -e "$unit" ] || [ -e "$own" ] || fail "nothing is installed"
  if [ -e "$unit" ] && has_systemd; then
    service disable --quiet --now rt-data || fail "the service does not stop; see: systemctl status rt-data"
  fi
  rm -f "$unit"
  ! has_systemd || service daemon-reload
  rm -f "$root/usr/local/bin/rt-data"
  rm -rf "$opt"
  rm -f "$own"
  say "RT-Data is removed. What stays: settings and secrets in $etc, recordings in $state, the user $user"
  say "to remove these too: rm -r $etc $state; userdel $user"
}

status() {
  say "installed: $(installed)"
  say "before it: $(previous | grep . || echo none)"
  say "kept: $(versions)"
  say "running: $(running_version)"
  [ ! -e "$opt/changing" ] || say "a change to version $(sed -n 4p "$opt/changing") was interrupted: repeat it"
}

# One command at a time; what a killed one has left is settled first.
begin() {
  [ -e "$opt/.lock" ] || (: >"$opt/.lock") 2>/dev/null || fail "cannot write to $opt (is the disk full?): nothing was changed"
  exec 9<"$opt/.lock"
  if command -v flock >/dev/null 2>&1; then
    flock -n 9 || fail "another rt-data-install is at work; wait for it"
  fi
  rm -f "$opt/releases/.new" "$opt/bin/.rt-data.new"
  settle
}

# Makes one of A and B of a change that was cut short: A if it still runs, otherwise B.
settle() {
  if [ ! -e "$opt/changing" ]; then
    rm -f "$before"
    return 0
  fi
  verb=$(sed -n 1p "$opt/changing")
  was=$(sed -n 2p "$opt/changing")
  older=$(sed -n 3p "$opt/changing")
  target=$(sed -n 4p "$opt/changing")
  if [ ! -e "$before" ] || cmp -s "$before" "$placed"; then
    put_back
  elif is_active && ! runs "$placed"; then
    say "a change to version $target was interrupted while $was runs: $was is in place again"
    put_back
    # It may have been handing over at this very moment.
    [ ! -x "$(release_of "$target")" ] || ! runs "$(release_of "$target")" || keep_target
  else
    keep_target
  fi
  end_change
}

# The rename needs no room; without .before it has been done already.
put_back() {
  if cmp -s "$before" "$placed"; then
    # Mostly two names of one file, which a rename leaves as they are.
    rm -f "$before"
  elif [ -e "$before" ]; then
    mv -f "$before" "$placed" || fail "$placed cannot be replaced"
  fi
  remember "$opt/current" "$was"
  remember "$opt/previous" "$older"
}

keep_target() {
  interrupted=$verb
  interrupted_version=$target
  [ ! -x "$(release_of "$target")" ] || cmp -s "$(release_of "$target")" "$placed" || place "$(release_of "$target")"
  remember "$opt/current" "$target"
  [ "$was" = "$target" ] || remember "$opt/previous" "$was"
}

end_change() {
  undo=no
  rm -f "$opt/changing"
  rm -f "$before"
}

# Makes the service one of version $1 without a gap; goes back by itself if that version does not get ready.
change_to() {
  target=$1
  accepts_config "$target"
  was=$(installed)
  older=$(previous)
  link "$placed" "$before" || fail "the executable in place cannot be kept beside it: nothing was changed"
  at_once "$opt/changing" 644 printf '%s\n' "$command" "$was" "$older" "$target"
  undo=yes
  place "$(release_of "$target")"
  remember "$opt/current" "$target"
  [ "$was" = "$target" ] || remember "$opt/previous" "$was"
  is_new=no
  if [ ! -e "$unit" ]; then
    is_new=yes
    place_rest "$target"
  fi
  if ! has_systemd; then
    say "nothing was started, since systemd does not run here"
  elif is_active; then
    say "version $target starts beside $was ..."
    take_over || back "version $target did not take over"
    wait_until_ready || back "version $target took over, but does not get ready"
  else
    service start rt-data || back "version $target did not start"
    wait_until_ready || back "version $target does not get ready"
  fi
  undo=no
  place_rest "$target"
  # What an owner has disabled stays so, unless it is installed once more.
  { [ "$command" != install ] && [ "$is_new" = no ]; } || ! has_systemd || service enable --quiet rt-data
  end_change
  say "version $target records; $was is kept for: rt-data-install rollback"
  forget_old
}

back() {
  say "$1: going back to version $was"
  put_back
  # A release of the same version may have been replaced by the file that has failed.
  cmp -s "$placed" "$(release_of "$was")" || link "$placed" "$(release_of "$was")" || true
  if ! is_active; then
    service restart rt-data || fail "version $was did not start either; see: journalctl -u rt-data -n 50 --no-pager"
  elif ! runs "$placed"; then
    take_over || service restart rt-data || fail "version $was did not start either; see: journalctl -u rt-data -n 50 --no-pager"
  fi
  end_change
  wait_until_ready || fail "version $was is back in place, but does not receive data; see: rt-data check"
  fail "$1. Version $was records as before; see: journalctl -u rt-data -n 50 --no-pager"
}

# The running process starts what lies in its place beside itself; that one takes over, or the running one records on. A signal waits
# until it is known which.
take_over() {
  trap '' INT TERM HUP
  taken=no
  if with_settings "$placed" upgrade --config "$etc/rt-data.toml" >&2 && is_active; then
    # systemd learns of the new main process a moment later.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      if runs "$placed" || [ $? = 2 ]; then
        taken=yes
        break
      fi
      sleep 0.5
    done
  fi
  signals
  [ "$taken" = yes ]
}

# Without a file, it comes from the release that --from names, or that the last one came from.
fetch_file() {
  [ -z "$file" ] || return 0
  [ -n "$from" ] || from=$(cat "$opt/from" 2>/dev/null || true)
  [ -n "$from" ] || fail "say which file: $command rt-data-linux-x64; or where the files of a release are: $command --from https://..."
  from=${from%/}
  fetched=$(mktemp -d "${TMPDIR:-/var/tmp}/rt-data-install.XXXXXX") || fail "no temporary folder can be made in ${TMPDIR:-/var/tmp}"
  file=$fetched/rt-data-$(target)
  fetch SHA256SUMS
  # What is in place already need not be fetched again.
  if [ -e "$placed" ] && [ "$(sha256sum <"$placed" | cut -d" " -f1)" = "$(sum_of "$file")" ]; then
    cp "$placed" "$file"
    return 0
  fi
  say "fetching $(basename "$file") from $from"
  fetch "$(basename "$file")"
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --retry 3 --output "$fetched/$1" "$from/$1"
  elif command -v wget >/dev/null 2>&1; then
    wget --quiet --tries=3 --output-document="$fetched/$1" "$from/$1"
  else
    fail "there is neither curl nor wget here: fetch $from/$1 by other means, and give the file"
  fi || fail "$from/$1 cannot be fetched: nothing was changed"
}

# The name of this machine's executable.
target() {
  case $(uname -m) in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "there is no executable for $(uname -m); there are x64 and arm64" ;;
  esac
  case $(ldd --version 2>&1 | head -n 1) in *musl*) echo "linux-$cpu-musl" ;; *) echo "linux-$cpu" ;; esac
}

# The checksum that SHA256SUMS beside the file $1 names.
sum_of() {
  NAME=$(basename -- "$1") awk '{ sum = $1; sub(/^[0-9a-fA-F]+ [ *]/, ""); if ($0 == ENVIRON["NAME"]) { print sum; exit } }' \
    "$(dirname -- "$1")/SHA256SUMS"
}

# The file that was given is what its SHA256SUMS says. Writes nothing.
check_file() {
  [ -f "$file" ] || fail "there is no file $file"
  [ "$verify" = yes ] || return 0
  sums=$(dirname -- "$file")/SHA256SUMS
  name=$(basename -- "$file")
  [ -f "$sums" ] || fail "SHA256SUMS of the release does not lie beside $file: fetch it too, or say --unverified for a build of your own"
  wanted=$(sum_of "$file")
  [ -n "$wanted" ] || fail "$sums does not name $name"
  [ "$(sha256sum <"$file" | cut -d" " -f1)" = "$wanted" ] || fail "$file is not the file that $sums means: fetch it again"
}

# It becomes releases/<version>/rt-data; sets $version.
take_release() {
  staged=$opt/releases/.new
  if ! install -m 755 "$file" "$staged" || ! sync "$staged"; then
    rm -f "$staged"
    fail "$file cannot be copied to $opt/releases (is the disk full?): nothing was changed"
  fi
  words=$("$staged" --version 2>&1 9>&-) || {
    rm -f "$staged"
    fail "$file does not run on this machine ($(uname -m)): $words. For an old processor take the -baseline file, for Alpine the -musl one"
  }
  version=${words#rt-data }
  if ! is_name "$version"; then
    rm -f "$staged"
    fail "$file does not say its version, but: $words"
  fi
  [ -z "$fetched" ] || remember "$opt/from" "$from"
  # A release that is there already stays the very file that it is.
  if ! cmp -s "$staged" "$(release_of "$version")"; then
    if ! install -d -m 755 "$opt/releases/$version" || ! mv -f "$staged" "$(release_of "$version")"; then
      rm -f "$staged"
      fail "$(release_of "$version") cannot be written (is the disk full?): nothing was changed"
    fi
  fi
  rm -f "$staged"
}

make_user() {
  [ -z "$root" ] || return 0
  getent passwd "$user" >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/rt-data --no-create-home --shell /usr/sbin/nologin "$user"
}

make_folders() {
  install -d -m 755 "$root/etc" "$root/etc/systemd" "$root/usr" "$root/usr/local" "$root/var" "$etc" "$(dirname "$unit")" \
    "$root/usr/local/bin" "$root/usr/local/sbin" "$root/var/lib" || fail "cannot make the folders below $root/etc"
  install -d -m 700 "$etc/credentials" || fail "cannot make $etc/credentials"
  owned -d -m 750 "$state" || fail "cannot make $state"
  if [ ! -e "$etc/rt-data.toml" ]; then
    [ -n "$root" ] || group=$user
    at_once "$etc/rt-data.toml" 640 "$(release_of "$version")" ops config --config /dev/null
    group=
  fi
}

# install(1), for the service's user where there is one.
owned() {
  if [ -n "$root" ]; then install "$@"; else install -o "$user" -g "$user" "$@"; fi
}

accepts_config() {
  with_settings "$(release_of "$1")" check --only config --config "$etc/rt-data.toml" >&2 ||
    fail "version $1 does not accept the config: nothing was changed"
}

# Everything of version $1 but its executable; the unit last. What the unit names is there before it is.
place_rest() {
  at_once "$root/usr/local/sbin/rt-data-install" 755 "$(release_of "$1")" ops install
  at_once "$root/usr/local/bin/rt-data" 755 wrapper /etc/rt-data /opt/rt-data/bin/rt-data
  at_once "$opt/unit" 644 unit_of "$1"
  sed -n 's|^LoadCredential=[^:]*:/etc/rt-data/credentials/||p' "$opt/unit" | while read -r name; do
    [ -e "$etc/credentials/$name" ] || (umask 077 && : >"$etc/credentials/$name") || exit 1
  done || fail "the credentials below $etc/credentials cannot be made (is the disk full?)"
  cmp -s "$opt/unit" "$unit" || at_once "$unit" 644 cat "$opt/unit"
  rm -f "$opt/unit"
  ! has_systemd || service daemon-reload || fail "systemd does not read its units again: systemctl daemon-reload"
}

unit_of() {
  text=$(with_settings "$(release_of "$1")" ops systemd --config "$etc/rt-data.toml") || return 1
  [ -z "$root" ] || text=$(printf '%s\n' "$text" | sed 's|^\(ExecStart=.* record --config \).*|\1/etc/rt-data/rt-data.toml|')
  printf '%s\n' "$text"
}

# The command rt-data: the executable $2 with the settings below $1.
wrapper() {
  echo "#!/bin/sh"
  echo "# rt-data by hand: with the settings of the service and, where they may be read, its secrets. No file is run as shell."
  echo "etc=$(quoted "$1")"
  echo "program=$(quoted "$2")"
  cat <<'END'
newline='
'
given=$newline$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p')$newline

# A setting of the file; one that the caller has set wins.
set_one() {
  case $1 in
    "" | [!A-Z_]* | *[!A-Z0-9_]* | UID | EUID | PPID | IFS | SHELLOPTS | BASHOPTS) case $1 in http_proxy | https_proxy | no_proxy) ;; *) return 0 ;; esac ;;
  esac
  case $given in *"$newline$1$newline"*) ;; *) export "$1=$2" ;; esac
}

# Reads settings as systemd does (systemd.exec(5), EnvironmentFile=), character by character.
read_settings() {
  part=start key='' value='' space=''
  while IFS= read -r line || [ -n "$line" ]; do
    # Most lines need no closer look.
    case $part$line in
      start | start[\#\;]*[!\\] | start[\#\;]) continue ;;
      start[A-Z]*=*)
        key=${line%%=*} value=${line#*=}
        case $key in *[!A-Z0-9_]*) ;; *) case $value in *[!A-Za-z0-9_@%+:,./-]*) ;; *) set_one "$key" "$value" && continue ;; esac ;; esac
        ;;
    esac
    rest=$line$newline
    while [ -n "$rest" ]; do
      char=${rest%"${rest#?}"}
      rest=${rest#?}
      case $part in
        start)
          case $char in
            [\#\;]) part=comment ;;
            [[:space:]]) ;;
            *) part=key key=$char space='' ;;
          esac
          ;;
        key)
          case $char in
            "$newline") part=start ;;
            =) part=before value='' space='' ;;
            [[:space:]]) space=$space$char ;;
            *) key=$key$space$char space='' ;;
          esac
          ;;
        before)
          case $char in
            "$newline") part=start && set_one "$key" "$value" ;;
            "'") part=single ;;
            '"') part=double ;;
            \\) part=escape ;;
            [[:space:]]) ;;
            *) part=value value=$value$char space='' ;;
          esac
          ;;
        value)
          case $char in
            "$newline") part=start && set_one "$key" "$value" ;;
            \\) part=escape value=$value$space space='' ;;
            [[:space:]]) space=$space$char ;;
            *) value=$value$space$char space='' ;;
          esac
          ;;
        escape)
          part=value
          [ "$char" = "$newline" ] || value=$value$char
          ;;
        single) if [ "$char" = "'" ]; then part=before; else value=$value$char; fi ;;
        double)
          case $char in
            '"') part=before ;;
            \\) part=within ;;
            *) value=$value$char ;;
          esac
          ;;
        within)
          part=double
          case $char in
            ['"\`$']) value=$value$char ;;
            "$newline") ;;
            *) value=$value\\$char ;;
          esac
          ;;
        comment) case $char in \\) part=skipped ;; "$newline") part=start ;; esac ;;
        skipped) part=comment && [ "$char" != "$newline" ] || part=start ;;
      esac
    done
  done
  case $part in before | value | escape) set_one "$key" "$value" ;; esac
}

for secret in "$etc"/credentials/*; do
  [ -f "$secret" ] && [ -r "$secret" ] || continue
  name=${secret##*/}
  case $name in *[!a-z0-9_]*) continue ;; esac
  export "RT_DATA_$(printf %s "$name" | tr '[:lower:]' '[:upper:]')_FILE=$secret"
done
[ ! -r "$etc/rt-data.env" ] || read_settings <"$etc/rt-data.env"
exec "$program" "$@"
END
}

# Runs the executable $1 as the service would see its settings.
with_settings() {
  program_text=$(wrapper "$etc" "$1")
  shift
  sh -c "$program_text" rt-data "$@" 9>&-
}

# A word of shell that means just this text.
quoted() {
  printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"
}

# Data flows, as the running recorder itself says.
wait_until_ready() {
  with_settings "$placed" check --ready "$ready_seconds" --config "$etc/rt-data.toml" >&2
}

release_of() {
  printf '%s' "$opt/releases/$1/rt-data"
}

is_name() {
  case $1 in "" | .* | *[!A-Za-z0-9.+_-]*) return 1 ;; esac
}

versions() {
  for kept in "$opt/releases"/*/rt-data; do
    [ ! -x "$kept" ] || basename "$(dirname "$kept")"
  done | sort | tr '\n' ' '
}

# Of the versions that are neither in place nor the one before, the newest ones stay.
forget_old() {
  in_place=$(installed)
  previous=$(previous)
  # shellcheck disable=SC2012 # versions have no odd characters, take_release sees to it
  ls -1t "$opt/releases" | while read -r kept; do
    case $kept in
      "$in_place" | "$previous") ;;
      *) echo "$kept" ;;
    esac
  done | tail -n "+$((keep - 1))" | while read -r old; do rm -rf "${opt:?}/releases/$old"; done
}

# The version of the executable in place, as that says itself.
installed() {
  if words=$("$placed" --version 2>/dev/null 9>&-) && is_name "${words#rt-data }"; then
    echo "${words#rt-data }"
  else
    cat "$opt/current" 2>/dev/null || true
  fi
}

previous() {
  cat "$opt/previous" 2>/dev/null || true
}

# Version $1 is in place, and is what runs, if anything does.
is_placed() {
  cmp -s "$(release_of "$1")" "$placed" || return 1
  is_active || return 0
  runs "$placed" || { [ $? = 2 ] && [ -z "$interrupted" ]; }
}

# Is it the file $1 that the service's process executes? 0 yes, 1 no, 2 the process does not tell (it is a script).
runs() {
  pid=$(main_pid)
  [ "$pid" -gt 0 ] || return 1
  ! cmp -s "/proc/$pid/exe" "$1" || return 0
  case $("/proc/$pid/exe" --version 2>/dev/null 9>&-) in "rt-data "*) return 1 ;; esac
  return 2
}

is_active() {
  has_systemd && service is-active --quiet rt-data
}

main_pid() {
  pid=$(service show --property MainPID --value rt-data 2>/dev/null) || pid=0
  echo "${pid:-0}"
}

# Of the process itself, which may not be what lies on the disk by now.
running_version() {
  has_systemd && pid=$(main_pid) || pid=0
  if [ "$pid" -gt 0 ] && words=$("/proc/$pid/exe" --version 2>/dev/null); then echo "${words#rt-data }"; else echo none; fi
}

# systemctl, and what it starts, do not hold our lock.
service() {
  systemctl "$@" 9>&-
}

# Systemd is this machine's, and has been started: in a container or an image its tools may lie there without it.
has_systemd() {
  if [ -z "$systemd" ]; then
    systemd=no
    if command -v systemctl >/dev/null 2>&1; then
      case $(systemctl --version 2>/dev/null) in
        "systemd "*) [ ! -d /run/systemd/system ] || systemd=yes ;;
        *) systemd=yes ;;
      esac
    fi
  fi
  [ "$systemd" = yes ]
}

# The executable in place becomes the file $1.
place() {
  link "$1" "$placed" || fail "$placed cannot be replaced (is the disk full?)"
}

# The file $1 gets the second name $2, in one step; where a file system knows no hard links, it is copied.
link() {
  ! cmp -s "$1" "$2" || return 0
  name=$(dirname "$2")/.$(basename "$2").new
  rm -f "$name"
  if { ln "$1" "$name" 2>/dev/null || cp -p "$1" "$name"; } && sync "$name" && mv -f "$name" "$2"; then
    sync "$(dirname "$2")" || true
    return 0
  fi
  rm -f "$name"
  return 1
}

# A file of one line, which is not there if that is empty.
remember() {
  if [ -n "$2" ]; then at_once "$1" 644 echo "$2"; else rm -f "$1"; fi
}

# What the command behind it prints becomes the file $1 with mode $2, all of it or nothing.
at_once() {
  path=$1
  mode=$2
  shift 2
  new=$(dirname "$path")/.$(basename "$path").new
  if "$@" >"$new" && [ -s "$new" ] && chmod "$mode" "$new" && { [ -z "${group:-}" ] || chgrp "$group" "$new"; } &&
    sync "$new" && mv -f "$new" "$path"; then
    sync "$(dirname "$path")" || true
    return 0
  fi
  rm -f "$new"
  fail "$path cannot be written (is the disk full?): it is as it was"
}

as_root() {
  [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "this needs root: sudo $0 $command"
  [ -n "$root" ] || has_systemd || fail "there is no systemd here: start \"rt-data record\" by what this system has instead"
}

say() {
  printf 'rt-data-install: %s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

# An error or a signal in the middle of a change is settled at once, as a kill is by the next command.
finish() {
  code=$?
  trap - EXIT
  [ "$undo" = no ] || settle || true
  [ -z "$fetched" ] || rm -rf "$fetched"
  exit "$code"
}

signals() {
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

trap finish EXIT
signals
main "$@"
