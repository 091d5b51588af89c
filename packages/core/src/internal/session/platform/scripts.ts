/** The scripts of the platform's file system: POSIX sh with coreutils or busybox. Paths are absolute. */
import { pause, uptime } from "../processes/scripts.js"

/** Functions of all scripts. What fails says so as the system does, and is recognized by it. */
export const functions = `need() { [ -e "$1" ] || ls -dL -- "$1" >/dev/null || exit 1; }
there() { exists "$1" || ls -d -- "$1" >/dev/null || exit 1; }
inode() { inode=$(stat -L -c '%i %w' -- "$1"); }
same() { inode "$1"; [ -z "$2" ] || [ "$inode" = "$2" ] || fail ESTALE; }
outside() {
  from=$(cd -P -- "$1" 2>/dev/null && pwd) || return 0
  case "$(cd -P -- "\${2%/*}/" && pwd)/\${2##*/}/" in "$from"/*) fail EINVAL ;; esac
}
masked() { printf %o $((0$1 & ~0$(umask))); }
`

/** Prints the directory of temporary files and the working directory, in two lines. */
export const places = `printf '%s\\n%s' "\${TMPDIR:-/tmp}" "$(pwd)"`

/** `$2`, `$3`: whether it has to be readable, writable. */
export const access = `need "$1"
[ -z "$2" ] || [ -r "$1" ] || fail EACCES
[ -z "$3" ] || [ -w "$1" ] || fail EACCES`

export const chmod = `need "$1"; chmod "$2" -- "$1"`

export const chown = `need "$1"; [ "$2" = : ] || chown "$2" -- "$1"`

export const link = `there "$1"
exists "$2" && fail EEXIST
[ ! -d "$1" ] || [ -L "$1" ] || fail EPERM
ln -- "$1" "$2"`

/** `$1`: the link, `$2`: what it points to. */
export const symlink = `[ -n "$2" ] || fail ENOENT
exists "$1" && fail EEXIST
ln -s -- "$2" "$1"`

export const readLink = `there "$1"
[ -L "$1" ] || fail EINVAL
readlink -n -- "$1"`

export const realPath = `need "$1"; readlink -n -f -- "$1"`

/** `$2`: whether parents are made, `$3`: the mode, of which the umask is taken. */
export const makeDirectory = `[ -z "$3" ] || umask "$(printf %03o $((~0$3 & 0777 | 0$(umask))))"
if [ -n "$2" ]; then mkdir -p -- "$1"; else mkdir -- "$1"; fi`

/** `$2`: the name of a file in it, or empty. */
export const makeTemporary = `mkdir -m 700 -- "$1" || exit 1
[ -z "$2" ] || : >"$1/$2" || exit 1`

/** `$2`, `$3`: recursive, force. */
export const remove = `[ -n "$3" ] || there "$1"
[ -n "$2" ] || [ ! -d "$1" ] || [ -L "$1" ] || fail EISDIR
rm -r -f -- "$1"`

/** As the system call does it: a directory takes the place of an empty one, and nothing is moved into a directory. */
export const rename = `there "$1"
if [ -d "$1" ] && [ ! -L "$1" ]; then
  need "\${2%/*}/"
  [ ! -L "$2" ] && [ "$1" -ef "$2" ] && exit 0
  outside "$1" "$2"
  if [ -d "$2" ] && [ ! -L "$2" ]; then rmdir -- "$2" || exit 1
  elif exists "$2"; then fail ENOTDIR
  fi
elif [ -d "$2" ]; then
  [ -L "$2" ] || fail EISDIR
  rm -f -- "$2" || exit 1
elif [ "$1" -ef "$2" ]; then exit 0
fi
mv -f -- "$1" "$2"`

/** GNU's `cp` writes through a link that leads nowhere, as the system does, if it is asked for POSIX. */
export const copyFile = `need "$1"
[ ! -d "$1" ] && [ ! -d "$2" ] || fail EISDIR
[ "$1" -ef "$2" ] && exit 0
POSIXLY_CORRECT=1 cp -- "$1" "$2" && chmod "$(stat -L -c %a -- "$1")" -- "$2"`

/** Copies what is not there yet of the paths from the third on, from the working directory to `$1`; `$2`: an option of `cp`. */
const copyMissing = `to=$1 keep=$2; shift 2
for file; do
  if [ -d "$file" ] && [ ! -L "$file" ]; then [ -d "$to/$file" ] || mkdir -- "$to/$file" || exit 1
  elif [ ! -e "$to/$file" ] && [ ! -L "$to/$file" ]; then cp -P $keep -- "$file" "$to/$file" || exit 1
  fi
done`

/** `$3`: whether files are replaced, `$4`: an option of `cp`. Directories are merged, parents are made. */
export const copy = `there "$1"
parent=\${2%/*}; parent=\${parent:-/}
[ -d "$parent" ] || mkdir -p -- "$parent" || exit 1
[ "$1" -ef "$2" ] && fail EINVAL
if [ ! -d "$1" ] || [ -L "$1" ]; then
  [ ! -d "$2" ] || fail EISDIR
  if exists "$2"; then
    [ -n "$3" ] || exit 0
    rm -f -- "$2" || exit 1
  fi
  cp -P $4 -- "$1" "$2"
  exit
fi
outside "$1" "$2"
if ! exists "$2"; then cp -R -P $4 -- "$1" "$2"
elif [ ! -d "$2" ]; then fail ENOTDIR
elif [ -n "$3" ]; then cp -R -P -f $4 -- "$1/." "$2"
else cd -- "$1" && find . -exec sh -c '${copyMissing}' sh "$2" "$4" {} +
fi`

/** Raw mode, device and so on in the order in which they are parsed; busybox knows them too. */
export const stat = `need "$1"; same "$1" "$2"
TZ=UTC0 stat -L -c '%f %d %i %h %u %g %t %T %s %o %b|%x|%y|%w' -- "$1"`

/** `$2`, `$3`: times in seconds; programs that know no fractions get whole ones. */
export const utimes = `need "$1"
set_time() { touch -c "$1" -d "@$2" -- "$3" 2>/dev/null || touch -c "$1" -d "@\${2%.*}" -- "$3" || exit 1; }
set_time -a "$2" "$1"; set_time -m "$3" "$1"`

/** `$2`: the inode that it must have, or empty, `$3`: the length. */
export const truncate = `need "$1"; same "$1" "$2"
[ ! -d "$1" ] || fail EISDIR
[ -w "$1" ] || fail EACCES
dd if=/dev/null of="$1" bs=1 seek="$3"`

export const sync = `need "$1"; same "$1" "$2"
dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null || sync`

/**
 * Opens a file by a flag without `+`, or with it after `r`: `$2`. `$3` is the mode of a new file, `$new` says whether it is one.
 * Redirections make special commands end some shells, and are asked for their outcome by others.
 */
const prepare = `new=
case $2 in
  r) need "$1"; [ -r "$1" ] || fail EACCES ;;
  r+)
    need "$1"
    [ ! -d "$1" ] || fail EISDIR
    [ -r "$1" ] && [ -w "$1" ] || fail EACCES ;;
  *)
    case $2 in *x) exists "$1" && fail EEXIST ;; esac
    [ ! -d "$1" ] || fail EISDIR
    need "\${1%/*}/"
    [ -e "$1" ] || new=1
    case $2 in
      *x) set -C; : >"$1" || exit 1; set +C ;;
      w) : >"$1" || exit 1 ;;
      *) : >>"$1" || exit 1 ;;
    esac ;;
esac
`

const setMode = `[ -z "$3" ] || [ -z "$new" ] || chmod "$(masked "$3")" -- "$1" || exit 1
`

/** Prints the inode. */
export const open = `${prepare}${setMode}inode "$1"; printf %s "$inode"`

/** Writes the base64 `$data`, or the file `$staged`, at `$at`, or at the end if that is empty. */
const put = `trap '[ -z "$staged" ] || rm -f -- "$staged"' EXIT
content() { if [ -n "$staged" ]; then cat -- "$staged"; else printf %s "$data" | base64 -d; fi; }
if [ -z "$at" ]; then content >>"$1" || exit 1
else
  exec 3<>"$1" || exit 1
  dd bs=1 count=0 seek="$at" conv=notrunc </dev/null >&3 2>/dev/null || exit 1
  content >&3 || exit 1
fi
`

/** A whole file: flag, mode, base64, or file with the content. */
export const writeFile = `[ "$2" != r ] || fail EBADF
data=$4 staged=$5 at=; case $2 in r+) at=0 ;; esac
${prepare}${put}${setMode}`

/** A part of an open file: inode, position, base64, or file with the content. */
export const write = `data=$4 staged=$5 at=$3
need "$1"; same "$1" "$2"
${put}`

/** Prints as base64 a part of a file: inode or empty, position from one, length. */
export const read = `need "$1"; same "$1" "$2"
[ ! -d "$1" ] || fail EISDIR
[ -r "$1" ] || fail EACCES
tail -c +"$3" -- "$1" | head -c "$4" | base64`

/** The longest list, in bytes, that is printed. */
const mostListed = 512 * 1024

/** Prints the file `$1` as base64, or "=" and leaves it, if it is long. */
const show = `show() {
  if [ $(($(wc -c <"$1"))) -le ${mostListed} ]; then base64 <"$1"; else trap - EXIT; echo =; fi
}
`

/** Lists the names in a directory, each with a NUL after it, in the file `$3`. */
export const readDirectory = `need "$1"
[ -d "$1" ] || fail ENOTDIR
[ -r "$1" ] && [ -x "$1" ] || fail EACCES
${show}trap 'rm -f -- "$3"' EXIT
cd -- "$1" || exit 1
prune=-prune; [ -z "$2" ] || prune=
find . ! -name . ! -name '.agb-list-*' $prune -exec printf '%s\\0' {} + >"$3" || exit 1
show "$3"`

/** Where `find` cannot print, a shell does. */
const describe = `for file; do
  if [ -d "$file" ] && [ ! -L "$file" ]; then state=$(stat -c "%i - - - %f" -- "$file")
  else state=$(stat -c "%i %Y %Z %s %f" -- "$file")
  fi
  [ -z "$state" ] || printf "%s %s\\0" "$state" "$file"
done 2>/dev/null`

/**
 * Waits until what is at a path differs from the checksum `$4`, up to `$5` hundredths of a second, then prints the checksum and
 * lists the entries, but for those of this SDK, in the file `$3`: inode, times, size and mode in five words, then the name. `$6`: how long nothing has happened, in pauses.
 */
export const watch = `[ -n "$4" ] || need "$1"
${pause}
${uptime}
${show}trap 'rm -f -- "$3"' EXIT
entries() {
  if [ -n "$print" ]; then
    find "$root" -name '.agb-*' -prune -o ! -name . $prune \\( -type d -printf '%i - - - %m %p\\0' -o -printf '%i %T@ %C@ %s %m %p\\0' \\)
  else find "$root" -name '.agb-*' -prune -o ! -name . $prune -exec sh -c '${describe}' sh {} +
  fi
}
root=. folder=$1 prune=-prune print=
[ -d "$1" ] || { root=./\${1##*/} folder=\${1%/*}; folder=\${folder:-/}; }
[ -z "$2" ] || prune=
find / -maxdepth 0 -printf '' 2>/dev/null && print=1
uptime; until=$((now + $5)); idle=$6
while :; do
  : >"$3"
  [ ! -d "$folder" ] || ( cd -- "$folder" && entries "$@" ) >"$3" 2>/dev/null
  sum=$(cksum <"$3")
  [ "$sum" = "$4" ] || break
  uptime; [ "$now" -lt "$until" ] || { echo same; exit 0; }
  pause "$idle"; idle=$((idle + 1))
done
echo "$sum"
show "$3"`
