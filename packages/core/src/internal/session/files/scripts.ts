/** The scripts of file operations. POSIX sh with the programs of any small system; paths are absolute. */

/** `$1`: the path, without slashes at its end. */
export const remove = `exists "$1" || fail "ENOENT: No such file or directory: $1"
rm -r -f -- "$1"`

export const removeIfExists = `rm -r -f -- "$1"`

/** Sets `target` to what the links at `$1` lead to, and `folder` to its directory; checks that a file can be written there. */
const resolve = `target=$1; links=0
while [ -L "$target" ]; do
  links=$((links + 1)); [ "$links" -le 40 ] || fail "ELOOP: Too many levels of symbolic links: $1"
  link=$(readlink "$target" && echo .) || exit 1
  link=\${link%??}
  case $link in /*) target=$link ;; *) target=\${target%/*}/$link ;; esac
done
folder=\${target%/*}; folder=\${folder:-/}
[ ! -d "$target" ] || fail "EISDIR: Is a directory: $1"
exists "$target" && [ ! -f "$target" ] && fail "EINVAL: Not a regular file: $1"
if [ ! -d "$folder" ]; then
  while [ ! -e "$folder" ] && [ "$folder" != / ]; do missing=$folder; folder=\${folder%/*}; folder=\${folder:-/}; done
  [ -d "$folder" ] && fail "ENOENT: No such file or directory: $missing (needed for $1)"
  fail "ENOTDIR: Not a directory: $folder (needed for $1)"
fi
`

/** Octal permissions of `$1`, without those of set-user-ID and the like. */
const permissions = `permissions() {
  set -- $(ls -ldn -- "$1"); set -- "\${1#?}"
  digits=
  while [ \${#digits} -lt 3 ]; do
    digit=0
    case $1 in r*) digit=4 ;; esac
    case $1 in ?w*) digit=$((digit + 2)) ;; esac
    case $1 in ??[xst]*) digit=$((digit + 1)) ;; esac
    digits=$digits$digit; set -- "\${1#???}"
  done
}
`

/** Moves the file `$whole` to `$target`, as `$mode` says, with the permissions `$bits`; empty: those that the file has. */
const publish = `${permissions}
if [ "$mode" = append ] && [ -e "$target" ]; then
  [ -w "$target" ] || fail "EACCES: Permission denied: $1"
  before=$(wc -c <"$target") || exit 1
  cat -- "$whole" >>"$target" || { dd if=/dev/null of="$target" bs=1 seek=$((before)) 2>/dev/null; exit 1; }
  [ -z "$bits" ] || chmod "$bits" -- "$target" || exit 1
else
  if [ -e "$target" ] && [ "$mode" != create_new ]; then
    [ -w "$target" ] || fail "EACCES: Permission denied: $1"
    permissions "$target"; bits=\${bits:-$digits}
  fi
  [ -z "$bits" ] || chmod "$bits" -- "$whole" || exit 1
  if [ "$mode" = create_new ]; then
    exists "$target" && fail "EEXIST: Already exists: $1"
    ln -- "$whole" "$target" || exit 1
  else mv -f -- "$whole" "$target" || exit 1
  fi
fi
`

const checkNew = `[ "$mode" != create_new ] || ! exists "$1" || fail "EEXIST: Already exists: $1"
`

/** Compares `$whole` with the checksum and size `$expected`. */
const verify =
  `[ "$(cksum <"$whole" | tr -s ' ')" = "$expected" ] || fail "EIO: the bytes that were stored differ from those that were sent: $1"
`

/**
 * Writes a small file in one call: path, mode, permissions, checksum, name of the temporary file, content in base64.
 * The temporary file is removed however the script ends.
 */
export const writeSmall = `mode=$2 bits=$3 expected=$4
${resolve}${checkNew}whole=$folder/$5
trap 'rm -f -- "$whole"' EXIT
printf %s "$6" | base64 -d >"$whole" || exit 1
${verify}${publish}`

/** Prepares a larger file: path, mode, name of the directory for its parts. Prints where the file will be. */
export const begin = `mode=$2
${resolve}${checkNew}mkdir -p -- "$folder/$3" && : >"$folder/$3/whole" || exit 1
printf '%s' "$target"`

/**
 * Appends parts to the whole: directory, first and last number of the parts, size of the whole before and after. A repeated
 * call does the same again, or nothing.
 */
export const join = `cd -- "$1" || exit 1
if [ $(($(wc -c <whole))) -ne "$5" ] || [ -e "$2" ]; then
  dd if=/dev/null of=whole bs=1 seek="$4" 2>/dev/null || exit 1
  number=$2
  while [ "$number" -le "$3" ]; do
    base64 -d <"$number" >>whole || exit 1
    number=$((number + 1))
  done
  [ $(($(wc -c <whole))) -eq "$5" ] || fail "EIO: the bytes that were stored differ from those that were sent: $1"
fi
number=$2
while [ "$number" -le "$3" ]; do rm -f -- "$number"; number=$((number + 1)); done`

/** Puts a larger file in its place: path, mode, permissions, checksum, where it will be, directory of the parts. */
export const finish = `mode=$2 bits=$3 expected=$4 target=$5 whole=$6/whole
${verify}${publish}rm -r -f -- "$6"`

/** Puts the file `$2` in the place of `$1`, which exists. */
export const replace = `mode=overwrite bits= whole=$2
${resolve}${publish}`

/** Copies `$1` to `$2` by way of `$3`, a name beside it; `$4`: whether to overwrite, `$5`: options of `cp`. */
export const copy = `exists "$1" || fail "ENOENT: No such file or directory: $1"
[ -n "$4" ] || ! exists "$2" || fail "EEXIST: Already exists: $2"
[ -d "$1" ] && exists "$2" && fail "EEXIST: Already exists: $2"
[ -d "$2" ] && fail "EISDIR: Is a directory: $2"
folder=\${2%/*}; [ -d "\${folder:-/}" ] || fail "ENOENT: No such file or directory: $2"
trap 'rm -r -f -- "$3"' EXIT
cp -R -H $5 -- "$1" "$3" || exit 1
if [ -z "$4" ] && [ -f "$3" ]; then ln -- "$3" "$2"
else mv -f -- "$3" "$2"
fi`

/** Attributes of `$1` where the file tools do not tell them: raw mode in hexadecimal, seconds of the modification. */
export const attributes = `stat -L -c '%f %Y' -- "$1"`
