/**
 * The shell scripts that start and observe processes in a session. POSIX sh: they run in dash, busybox and Bash alike.
 *
 * Each process has a directory:
 * - `claim/`: made by the supervisor that may run the command; `mkdir` succeeds for one of them only
 * - `command.<run>`: the command line
 * - `gate.<run>.<shell>`: a named pipe on which the supervisor that this shell started waits before it claims
 * - `state`: process id of the command, of its supervisor, start time of the supervisor (in clock ticks), id of the run
 * - `stdout`, `stderr`: the output, appended to by the command itself
 * - `late`: exists once the time limit has passed
 * - `state.new`, `exit.new`, `late.new`: what becomes these, written before the command can fill the disk
 * - `exit`: the outcome, renamed into place when it is complete
 * - `stdin`, `stdin.end`, `stdin.gone`: standard input so far; exists when there is no more; exists when nobody reads it
 */
import { listens, quote, socketTable } from "../shell.js"

const assignments = (variables: Readonly<Record<string, string | number>>): string =>
  Object.entries(variables).map(([name, value]) => `${name}=${quote(String(value))}`).join(" ")

const root = "root=${TMPDIR:-/tmp}/.agb-processes"

/** Sets `dir` to the directory of a process. */
export const directory = (key: string): string => `${root}; dir=$root/${key}`

/** Pauses that get longer, from a fiftieth of a second to one second. Old systems only sleep whole seconds. */
export const pause = `pause() {
  case $1 in 0|1|2|3) set -- 0.02 ;; 4|5) set -- 0.05 ;; 6|7) set -- 0.1 ;; 8|9) set -- 0.2 ;; 10|11) set -- 0.5 ;; *) set -- 1 ;; esac
  sleep "$1" 2>/dev/null || sleep 1
}`

/** The time since the system started, in hundredths of a second. */
export const uptime = `uptime() {
  now=; read -r now _ </proc/uptime 2>/dev/null
  if [ -n "$now" ]; then now=\${now%.*}\${now#*.}; else now=$(date +%s)00; fi
}`

/** When a process has started, in clock ticks; empty if there is none. Tells processes with the same id apart. */
const started = `started() {
  born=; { IFS= read -r born <"/proc/$1/stat"; } 2>/dev/null
  set -- \${born##*) }; born=\${20}
}`

/** Before the command has made its group, its process is signalled alone. */
const signalGroup = `signal_group() { kill -s "$1" -- "-$pid" 2>/dev/null || kill -s "$1" "$pid" 2>/dev/null; }`

/**
 * Signals the group of the command, then what has left the group but not shed the tag of the run. Ids are reused, so that of the
 * group is only good while the supervisor waits for the command.
 */
const signalTree = `signal_tree() {
  [ -e "$dir/exit" ] || [ -n "$orphaned" ] || signal_group "$1"
  for found in $(grep -l "AGB_PROCESS_RUN=$run" /proc/[0-9]*/environ 2>/dev/null); do
    found=\${found#/proc/}; kill -s "$1" "\${found%/*}" 2>/dev/null
  done
}`

/** How many processes the kernel has killed for memory, where the session can see it. */
const memoryKills = `memory_kills() {
  kills=
  for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r "$file" ] && while read -r name count; do [ "$name" = oom_kill ] && kills=$count; done <"$file"
  done
}`

const timer = `dir=$1 run=$2 orphaned=
${signalGroup}
${signalTree}
sleep "$3"
read -r pid _ <"$dir/state" || exit
mv "$dir/late.new" "$dir/late"
signal_tree KILL`

/** Becomes the command, once the session knows its id. Bash forgets ended jobs when it runs anything else, so the supervisor does not. */
const leader = `dir=$1 run=$2
printf '%-99s\\n' "$$ $3 $run" 1<>"$dir/state.new" && mv "$dir/state.new" "$dir/state" || exit
shift 3
exec setsid env -- "AGB_PROCESS_RUN=$run" "$@"`

/**
 * Copies the file \`stdin\` to the command while it grows, then ends its standard input. A pipe would lose what a cut call had
 * half written; a file shows how much is there.
 */
const feeder = `cd "$1" || exit
trap ': >stdin.gone' EXIT
${pause}
at=0 idle=0
while :; do
  end=; [ -e stdin.end ] && end=1
  set -- $(TIME_STYLE=locale LC_ALL=C ls -ln stdin)
  [ -n "$5" ] || exit
  if [ "$5" -gt "$at" ]; then
    tail -c +$((at + 1)) stdin | head -c $(($5 - at)) || exit
    at=$5 idle=0
    echo "$at" >stdin.read
  elif [ -n "$end" ]; then exit
  else pause "$idle"; idle=$((idle + 1))
  fi
done`

/** Takes the space of all records. \`:\` would end the shell where a file cannot be made. */
const prepare = `prepare() {
  source=/dev/null
  true >"$dir/stdout" && true >"$dir/stderr" && { [ -z "$limit" ] || true >"$dir/late.new"; } || return
  printf '%99s\\n' '' >"$dir/state.new" && printf '%99s\\n' '' >"$dir/exit.new" && printf '%999s\\n' '' >"$dir/jobs" || return
  [ -z "$input" ] || { true >"$dir/stdin" && mkfifo "$dir/pipe" && source=$dir/pipe; }
}`

/**
 * Waits at the gate, if there is one, and claims the process. The gate is held open by its reader, so that who writes to it does not
 * wait. Two that wait may have the same command file, when their call was repeated.
 */
const claim = `if [ -n "$gate" ]; then
  exec 9<>"$gate.new" && mv "$gate.new" "$gate" || exit
  read -r _ <&9; exec 9<&-
  rm -f "$gate"
fi
mkdir "$dir/claim" 2>/dev/null || { [ -n "$gate" ] || rm -f "$dir/command.$run"; rmdir "$dir" 2>/dev/null; exit 0; }`

/**
 * Runs the command and records its outcome, outside the group of the command. The arguments after the first six are its
 * environment. Where there is no space for the records, it removes the directory and runs nothing.
 */
const supervisor = `dir=$1 gate=$2 run=$3 limit=$4 input=$5 long=$6
shift 6
${claim}
${prepare}
prepare 2>/dev/null || { rm -rf "$dir"; exit 0; }
${uptime}
${started}
${memoryKills}
started $$
shell=$(command -v bash || command -v sh)
defaults=
env --default-signal=INT,QUIT true >/dev/null 2>&1 && defaults="env --default-signal=INT,QUIT"
if [ -n "$long" ]; then set -- "$@" "$shell" "$dir/command.$run"
else set -- "$@" "$shell" -c "$(cat "$dir/command.$run")"
fi
feed=
if [ -n "$input" ]; then
  ( exec >"$dir/pipe" 2>/dev/null; exec sh -c ${quote(feeder)} agb-stdin "$dir" ) &
  feed=$!
fi
clock=
if [ -n "$limit" ]; then setsid sh -c ${quote(timer)} agb-timer "$dir" "$run" "$limit" & clock=$!; fi
uptime; begun=$now
memory_kills; before=$kills
if [ -n "\${BASH_VERSION:-}" ]; then set +o posix; trap 'jobs -l >>"$dir/jobs"' CHLD; fi
(
  trap - INT QUIT CHLD
  exec <"$source" >>"$dir/stdout" 2>>"$dir/stderr"
  exec $defaults sh -c ${quote(leader)} agb-command "$dir" "$run" "$$ \${born:--}" "$@"
) &
pid=$!; wait "$pid"; status=$?
LC_ALL=C
[ -n "\${BASH_VERSION:-}" ] || jobs -l 1<>"$dir/jobs"
uptime; memory_kills
how=unknown
while read -r line; do
  case " $line " in
    *" $pid Done"*|*" $pid Exit"*) how=exited; break ;;
    *" $pid Running"*) ;;
    *" $pid "*) how=signaled; break ;;
  esac
done <"$dir/jobs"
name=-; [ "$how" = signaled ] && name=$(kill -l "$status")
late=0; [ -e "$dir/late" ] && [ "$name" = KILL ] && late=1
memory=-
if [ -n "$kills" ] && [ -n "$before" ]; then memory=0; [ "$name" = KILL ] && [ "$kills" -gt "$before" ] && memory=1; fi
printf '%-99s\\n' "$status $name $late $((now - begun)) $memory" 1<>"$dir/exit.new"
mv "$dir/exit.new" "$dir/exit"
if [ -e "$dir/late" ]; then wait "$clock"; elif [ -n "$clock" ]; then kill -s KILL -- "-$clock" 2>/dev/null; fi
if [ -n "$feed" ]; then : >"$dir/stdin.gone"; kill "$feed" 2>/dev/null; fi`

const utilities = "setsid env base64 dd ls tail head grep sleep mkfifo"

export interface StartSpec {
  readonly key: string
  /** Unique to this attempt: tells whether it was this one that started the process. */
  readonly run: string
  readonly command: string
  readonly envs: Readonly<Record<string, string>>
  readonly timeoutSeconds: number | undefined
  readonly hasStdin: boolean
  /** Programs that it needs beside those of every process. */
  readonly requires?: ReadonlyArray<string> | undefined
  /** Whether the process waits for `release` before it begins. */
  readonly isHeld: boolean
}

/** Linux limits one argument to 128 KiB: a longer command is run from its file. */
const maxArgumentLength = 30_000

/** Prints how to release what was started, once its supervisor waits at its gate; unless the key is taken. */
const awaitGate = `
  idle=0
  until [ -e "$gate" ] || [ -e "$dir/claim" ] || [ "$idle" -ge 24 ]; do pause "$idle"; idle=$((idle + 1)); done
  [ -e "$dir/claim" ] || { [ -e "$gate" ] && echo "agb held $$" || echo "agb none"; exit 0; }`

/** Starts a process, or finds the one that has its key. Prints the state. */
export const start = (
  { command, envs, hasStdin, isHeld, key, requires = [], run, timeoutSeconds }: StartSpec
): string => {
  const env = Object.entries(envs).map(([name, value]) => quote(`${name}=${value}`)).join(" ")
  const args = [run, timeoutSeconds ?? "", hasStdin ? "1" : "", command.length > maxArgumentLength ? "1" : ""]
  return `${directory(key)}
for tool in ${
    [utilities, ...requires].join(" ")
  }; do command -v "$tool" >/dev/null 2>&1 || { echo "agb missing $tool"; exit 0; }; done
mkdir -p "$root" && chmod 700 "$root" && mkdir -p "$dir" || exit
${pause}
gate=${isHeld ? `$dir/gate.${run}.$$` : ""}
if ! [ -e "$dir/claim" ]; then
  printf %s ${quote(command)} >"$dir/command.${run}"${isHeld ? " && mkfifo \"$gate.new\"" : ""} || {
    rm -f "$dir/command.${run}"; rmdir "$dir" 2>/dev/null; exit 1
  }
  setsid "$(command -v dash || command -v sh)" -c ${quote(supervisor)} agb-process "$dir" "$gate" ${
    args.map((arg) => quote(String(arg))).join(" ")
  } ${env} </dev/null >/dev/null 2>&1 &${isHeld ? awaitGate : ""}
fi
${awaitState}`
}

/**
 * Lets the process begin that waits at the gate of this run and shell. The call that started it has been answered by then, so that no
 * server ends it with a call that is broken off.
 */
export const release = (key: string, run: string, shell: string): string =>
  `${directory(key)}
${pause}
gate=$dir/gate.${run}.${shell}
if [ -p "$gate" ] && ! [ -e "$dir/claim" ]; then echo 1<>"$gate"; fi
${awaitState}`

/**
 * The supervisor of a claim writes the state at once, unless it was killed in between, or could not and removed all. Those that still
 * wait at a gate are told to go, since they find the claim taken.
 */
const awaitState =
  `idle=0; while ! [ -e "$dir/state" ] && [ -d "$dir" ] && [ "$idle" -lt 24 ]; do pause "$idle"; idle=$((idle + 1)); done
if [ -e "$dir/state" ]; then
  for gate in "$dir"/gate.*; do [ -p "$gate" ] && echo 1<>"$gate"; done
  echo "agb state $(cat "$dir/state")"
elif [ -e "$dir/claim" ]; then echo "agb unstarted"
elif ! [ -d "$dir" ]; then echo "no space left in $root for what is recorded of a process" >&2; exit 1
else echo "agb none"
fi`

/** Prints the state of a process. */
export const find = (key: string): string =>
  `${directory(key)}
${pause}
if [ -e "$dir/claim" ]; then
${awaitState}
else echo "agb none"
fi`

export interface ReadSpec {
  readonly key: string
  /** Offsets; -1 leaves the stream out. */
  readonly stdout: number
  readonly stderr: number
  readonly maxBytes: number
  /** How long to wait for output or the end, in hundredths of a second. */
  readonly wait: number
  /** How long nothing has happened, in pauses. */
  readonly idle: number
}

/** Reads are aligned to blocks, which \`dd\` finds without reading what is before them. */
export const blockSize = 4096

/** Whether the process has ended, or its supervisor without having recorded an end. */
const checkEnd = `check_end() {
  end=; [ -e exit ] && IFS= read -r end <exit
  [ -n "$end" ] && return
  started "$supervisor"
  [ "$birth" = - ] || [ "$born" = "$birth" ] || { [ -e exit ] && IFS= read -r end <exit || end=lost; }
  [ "$birth" != - ] || kill -0 "$supervisor" 2>/dev/null || { [ -e exit ] && IFS= read -r end <exit || end=lost; }
}`

/**
 * Waits for output beyond the offsets or for the end, then prints the end, the sizes and the output as base64. The end is
 * looked for before the sizes are: whatever was written before the end is then seen.
 */
export const read = ({ idle, key, maxBytes, stderr, stdout, wait }: ReadSpec): string =>
  `${directory(key)}
${assignments({ stdout, stderr, idle, wait, blocks: Math.max(2, Math.floor(maxBytes / blockSize)) })}
cd "$dir" 2>/dev/null && read -r pid supervisor birth run <state || { echo "agb none"; exit 0; }
${pause}
${uptime}
${started}
${checkEnd}
uptime; until=$((now + wait))
while :; do
  check_end
  set -- $(TIME_STYLE=locale LC_ALL=C ls -ln stderr stdout)
  err=$5 out=\${14}
  [ "$stdout" -lt 0 ] && out=-1
  [ "$stderr" -lt 0 ] && err=-1
  if [ -n "$end" ] || [ "$out" -gt "$stdout" ] || [ "$err" -gt "$stderr" ]; then break; fi
  uptime; [ "$now" -lt "$until" ] || break
  pause "$idle"; idle=$((idle + 1))
done
echo "agb read $out $err \${end:--}"
part() { [ "$2" -le "$3" ] || dd if="$1" bs=${blockSize} skip=$(($3 / ${blockSize})) count="$blocks" 2>/dev/null | base64; echo "agb part"; }
part stdout "$out" "$stdout"
part stderr "$err" "$stderr"
echo "agb done"`

/** Sends a signal to the group once, however often the call is repeated; after the end to what the command has left. */
export const kill = (key: string, signal: string, call: string): string =>
  `${directory(key)}
cd "$dir" 2>/dev/null && read -r pid supervisor birth run <state || { echo "agb none"; exit 0; }
(trap - ${quote(signal)}) 2>/dev/null || { echo "agb unknown"; exit 0; }
mkdir "kill.${call}" 2>/dev/null || ! [ -d "kill.${call}" ] || { echo "agb killed"; exit 0; }
${signalGroup}
${signalTree}
${started}
${checkEnd}
check_end
if [ -n "$end" ]; then orphaned=1; signal_tree ${quote(signal)}; else signal_group ${quote(signal)}; fi
echo "agb killed"`

/**
 * Ends a process with its whole tree. One that is removed gives up its directory, unless its start is still on its way, which must
 * then find the claim taken.
 */
export const end = (key: string, graceHundredths: number, removes: boolean): string =>
  `${directory(key)}
${
    removes
      ? `mkdir -p "$root" && chmod 700 "$root" && mkdir -p "$dir" && cd "$dir" || exit
if mkdir claim 2>/dev/null; then echo "agb ended"; exit 0; fi`
      : `cd "$dir" 2>/dev/null && [ -e claim ] || { echo "agb none"; exit 0; }`
  }
${pause}
${uptime}
${signalGroup}
${signalTree}
${started}
${checkEnd}
left() { [ -z "$end" ] || [ -n "$(grep -l "AGB_PROCESS_RUN=$run" /proc/[0-9]*/environ 2>/dev/null)" ]; }
idle=0; while ! [ -e state ] && [ "$idle" -lt 16 ]; do pause "$idle"; idle=$((idle + 1)); done
if read -r pid supervisor birth run <state; then
  check_end; orphaned=$end
  signal_tree TERM
  uptime; until=$((now + ${graceHundredths})) idle=0
  while check_end; left && uptime && [ "$now" -lt "$until" ]; do pause "$idle"; idle=$((idle + 1)); done
  idle=0
  while check_end; left && [ "$idle" -lt 12 ]; do orphaned=$end; signal_tree KILL; pause "$idle"; idle=$((idle + 1)); done
fi
${removes ? "cd / && rm -rf \"$dir\"" : ""}
echo "agb ended"`

/** Prints the key and the end of every process. */
export const list = `${root}
cd "$root" 2>/dev/null || exit 0
${started}
${checkEnd}
for key in *; do
  { cd "$root/$key" && read -r pid supervisor birth run <state; } 2>/dev/null || continue
  check_end
  echo "agb item $key \${end:--}"
done
echo "agb done"`

/** Appends to standard input at an offset: what a cut call has already written is not written again. */
export const write = (key: string, offset: number, bytes: number, base64: string, backlog: number): string =>
  `${directory(key)}
cd "$dir" 2>/dev/null && [ -e state ] || { echo "agb none"; exit 0; }
[ -e stdin ] || { echo "agb stdin none"; exit 0; }
${pause}
${assignments({ offset, bytes, backlog })}
closed() { [ -e exit ] || [ -e stdin.gone ] || [ -e stdin.end ]; }
idle=0
while :; do
  set -- $(TIME_STYLE=locale LC_ALL=C ls -ln stdin)
  size=$5 taken=0; read -r taken <stdin.read 2>/dev/null
  if closed || [ $((size - \${taken:-0})) -le "$backlog" ] || [ "$idle" -gt 20 ]; then break; fi
  pause "$idle"; idle=$((idle + 1))
done
[ "$offset" -ge 0 ] || offset=$size
if closed; then echo "agb stdin closed $size"; exit 0; fi
if [ $((size - \${taken:-0})) -gt "$backlog" ]; then echo "agb stdin full $size"; exit 0; fi
if [ "$size" -lt "$offset" ] || [ "$size" -gt $((offset + bytes)) ]; then echo "agb stdin moved $size"; exit 0; fi
printf %s ${quote(base64)} | base64 -d | tail -c +$((size - offset + 1)) >>stdin
set -- $(TIME_STYLE=locale LC_ALL=C ls -ln stdin)
echo "agb stdin at $5"`

/** Ends standard input once \`size\` bytes are there. */
export const closeStdin = (key: string): string =>
  `${directory(key)}
cd "$dir" 2>/dev/null && [ -e state ] || { echo "agb none"; exit 0; }
[ -e stdin ] || { echo "agb stdin none"; exit 0; }
: >stdin.end
echo "agb stdin closed 0"`

/** Waits until something in the session listens on a TCP port, or the process has ended. */
export const waitForPort = (key: string, port: number, waitHundredths: number, idle: number): string =>
  `${directory(key)}
cd "$dir" 2>/dev/null && read -r pid supervisor birth run <state || { echo "agb none"; exit 0; }
[ -r ${socketTable} ] || { echo "agb missing ${socketTable}"; exit 0; }
${pause}
${uptime}
${started}
${checkEnd}
${assignments({ idle })}
uptime; until=$((now + ${waitHundredths}))
while :; do
  check_end
  if ${listens(port)}; then echo "agb port open"; exit 0; fi
  [ -z "$end" ] || { echo "agb port ended $end"; exit 0; }
  uptime; [ "$now" -lt "$until" ] || { echo "agb port waiting"; exit 0; }
  pause "$idle"; idle=$((idle + 1))
done`
