/** The scripts of transfers. POSIX sh; paths are absolute. */

/** Lists what is at and below `$1`. Where `find` cannot print, a shell does. Prints the file that holds the list. */
export const list = `[ -e "$1" ] || { echo "ENOENT: No such file or directory: $1" >&2; exit 1; }
list=\${TMPDIR:-/tmp}/.agb-list-$2
if [ -d "$1" ]; then cd -- "$1" || exit 1; root=.; else root=$1; fi
if [ "$root" != . ] && [ ! -f "$root" ]; then printf 'o 0 0 .\\0' >"$list"
elif [ "$root" != . ]; then printf 'f %s %s .\\0' $(stat -L -c '%a %s' -- "$1") >"$list"
elif find . -maxdepth 0 -printf '' 2>/dev/null; then find . -printf '%y %m %s %p\\0' >"$list"
else
  find . -exec sh -c 'for file; do
    if [ -L "$file" ]; then type=l; elif [ -d "$file" ]; then type=d; elif [ -f "$file" ]; then type=f; else type=o; fi
    printf "%s %s %s\\0" "$type" "$(stat -c "%a %s" -- "$file")" "$file" || exit 1
  done' sh {} + >"$list"
fi || { rm -f -- "$list"; exit 1; }
printf %s "$list"`

/** Prints the checksum of each file. */
export const checksum = `for file; do
  if [ ! -f "$file" ]; then sum=-
  elif [ ! -r "$file" ]; then sum=!
  else sum=$(cksum <"$file" | tr -s ' ')
  fi
  echo "\${sum:-?}"
done`

/** Prints the checksum of the first `$2` bytes of `$1`. */
export const prefixChecksum = "head -c \"$2\" <\"$1\" | cksum | tr -s ' '"

export const makeDirectories = "mkdir -p -- \"$@\""

/** Sets permissions: each argument is followed by its path. */
export const setPermissions = `while [ $# -gt 0 ]; do chmod "$1" -- "$2" || exit 1; shift 2; done`

/** Moves `$1` to `$2`, with the permissions `$3`. */
export const publish = `[ ! -d "$2" ] || { echo "EISDIR: Is a directory: $2" >&2; exit 1; }
chmod "$3" -- "$1" && mv -f -- "$1" "$2"`
