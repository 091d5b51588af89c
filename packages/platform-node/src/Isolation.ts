/**
 * How far sandboxed code is kept away from this machine. A level is always stated and never silently lowered: where the
 * level that was asked for cannot be had, {@link probe} fails and says what to do.
 *
 * Three levels exist. `namespaces` gives each sandbox a root directory, processes, users, network, IPC and host name of
 * its own, through bubblewrap or, where that is missing, through `unshare` from util-linux. `landlock`, for Linux from
 * 6.12 where no namespace is to be had, leaves each sandbox on this machine's files and process list but lets it use only
 * what it is given. `none` keeps nothing away and is only ever used when asked for in words. A level for macOS (Seatbelt)
 * does not exist.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { candidates, type Confined, type Landlock, landlockCandidate } from "./internal/sandbox/confine/candidates.js"
import { diagnose, type Diagnosis, isAboutAge } from "./internal/sandbox/confine/diagnosis.js"
import { nodeOnly } from "./internal/sandbox/confine/interpreters.js"
import { type Isolation, type IsolationRequest, SandboxUnavailableError } from "./internal/sandbox/confine/isolation.js"
import { probeLandlock } from "./internal/sandbox/confine/landlock.js"
import { systemCallFilter } from "./internal/sandbox/confine/seccomp.js"
import { findMemoryController } from "./internal/sandbox/memory/memoryController.js"
import type { MemoryController } from "./internal/sandbox/memory/memoryLimit.js"
import { canInspectSandboxes } from "./internal/sandbox/process/procAccess.js"
import { unmetRequirement } from "./internal/sandbox/requirements.js"
import { trial } from "./internal/sandbox/trial.js"

export {
  /**
   * An isolation that was tried on this machine and works.
   *
   * @since 0.1.0
   * @category models
   */
  type Isolation,
  /**
   * The isolation in force.
   *
   * @since 0.1.0
   * @category models
   */
  type IsolationLevel,
  /**
   * The isolation to look for. `auto` takes the strongest that works on this machine and fails where none does; it never
   * falls back to `none`.
   *
   * @since 0.1.0
   * @category models
   */
  type IsolationRequest,
  /**
   * The requested isolation is not available on this machine. `reason` quotes the tool that was tried, `remedy` says what
   * to install or to change.
   *
   * @since 0.1.0
   * @category errors
   */
  SandboxUnavailableError
} from "./internal/sandbox/confine/isolation.js"

const unavailable = (requested: IsolationRequest, diagnosis: Diagnosis) =>
  new SandboxUnavailableError({ requested, reason: diagnosis.reason, remedy: diagnosis.remedy })

const none: Isolation = {
  level: "none",
  mechanism: "none",
  description: "no isolation: sandboxed code runs as the user who runs this process, with that user's rights",
  doesNotStop: [
    "reading and writing every file that this user may, keys and /tmp of this machine included",
    "the network, services on loopback included",
    "seeing, signalling and debugging the processes of this user",
    "using up memory, processor time, processes and disk space",
    "processes that daemonise and clear their environment: the end of a session finds the others by a tag in it, " +
    "on Linux only, as well as it can"
  ],
  confinement: { _tag: "Unconfined" },
  memory: undefined
}

const users: Readonly<Record<Confined["entry"], string>> = {
  caller: "as an ordinary user of a user namespace",
  dropped: "as an ordinary user of a user namespace, under a user id per session that owns nothing outside",
  root: "under a user id per session that owns nothing outside, without a user namespace"
}

const isFiltered = (how: Confined) =>
  systemCallFilter(process.arch) !== undefined && (how._tag === "Bwrap" || how.perl !== undefined)

const describe = (how: Confined, memory: MemoryController): string => {
  const tool = how._tag === "Bwrap" ? "bubblewrap" : "unshare from util-linux"
  const filter = isFiltered(how) ? "a system call filter" : "no system call filter"
  const loopback = how._tag === "Unshare" && how.ip === undefined ? ", no loopback inside (install iproute2)" : ""
  return `own root directory, processes, network, IPC and host name through ${tool}, ${users[how.entry]}, ` +
    `no capabilities, ${filter}, resource limits, memory bounded by ${memory.description}${loopback}`
}

const gaps = (how: Confined, memory: MemoryController): ReadonlyArray<string> => [
  "attacks on the kernel through the system calls that remain",
  "reading what every user may read in /usr and in the folders of the interpreters",
  "using processor time up to the deadline of a call, and after it through background processes of the session",
  "sending what the session holds to where the network leads that was asked for: `outbound` to every public address, " +
  "`host` to all that this machine reaches, its own services included",
  ...(memory.countsKernelMemory ? [] : [
    "using memory that only the kernel sees, such as data that waits in pipes and sockets, or shared memory that no " +
    "process has mapped: for that to count this process must be allowed to make control groups"
  ]),
  ...(memory.countsKernelMemory || canInspectSandboxes() ? [] : [
    "using memory for files, as much as their file systems hold, and for empty ones: this process may not look into its " +
    "sessions (CAP_SYS_PTRACE)"
  ]),
  ...(isFiltered(how) ? [] : ["unusual system calls such as io_uring, keyctl or vsock sockets: no filter is in force"])
]

const confined = (memory: MemoryController) => (how: Confined): Isolation => ({
  level: "namespaces",
  mechanism: how._tag === "Bwrap" ? "bwrap" : "unshare",
  description: describe(how, memory),
  doesNotStop: gaps(how, memory),
  confinement: how,
  memory
})

const landlocked = (how: Landlock, memory: MemoryController): Isolation => ({
  level: "landlock",
  mechanism: "landlock",
  description: "own files through Landlock and no sockets by a system call filter, " +
    (how.entry === "dropped"
      ? "under a user id per session that owns nothing outside"
      : "as the user who runs this process") +
    `, resource limits, memory bounded by ${memory.description}`,
  doesNotStop: [
    "attacks on the kernel through the system calls that remain",
    "reading what every user may read in /usr, some files of /etc, and the folders of the interpreters",
    "seeing the processes of this machine with their command lines, though not signalling, debugging or slowing them",
    "seeing which files there are with their sizes and times" +
    (how.entry === "caller" ? ", and changing modes and times of those of the user who runs this process" : ""),
    "filling the disk of this machine's temporary directory: only the size of one file is limited",
    "using processor time up to the deadline of a call, and after it through background processes of the session",
    "processes that daemonise, clear their environment and end the process that watches over them: they outlive the session",
    ...(memory.countsKernelMemory ? [] : ["using memory through such processes, or memory that only the kernel sees"]),
    "where the network of this machine was asked for, everything on it, path sockets of this user included"
  ],
  confinement: how,
  memory
})

/** Needs the filter too: Landlock alone leaves datagrams and path sockets. */
const withLandlock = Effect.gen(function*() {
  const how = yield* landlockCandidate
  if (how === undefined) return { complaint: "perl is missing, or only root can come to the files of this package" }
  if (systemCallFilter(process.arch) === undefined) return { complaint: `no filter exists for ${process.arch}` }
  const complaint = yield* Effect.promise(() => probeLandlock(how.perl))
  return complaint === undefined ? landlocked(how, yield* findMemoryController) : { complaint }
})

const landlockOnly = Effect.flatMap(withLandlock, (found) =>
  "complaint" in found
    ? unavailable("landlock", {
      reason: `Landlock cannot be had: ${found.complaint}`,
      remedy: "Use Linux 6.12 or newer with Landlock enabled (lsm=landlock,...) and perl"
    })
    : Effect.succeed(found))

const complaintOf = (how: Confined): Effect.Effect<string | undefined> => trial(how, nodeOnly, ["true"])

const firstThatWorks = (requested: IsolationRequest) =>
  Effect.gen(function*() {
    const complaints: Array<string> = []
    for (const how of yield* candidates) {
      const complaint = yield* complaintOf(how)
      if (complaint === undefined) return confined(yield* findMemoryController)(how)
      complaints.push(complaint)
    }
    const other = requested === "auto" ? yield* withLandlock : undefined
    if (other !== undefined && !("complaint" in other)) return other
    const telling = complaints.find((complaint) => !isAboutAge(complaint)) ?? complaints[0]
    return yield* unavailable(requested, diagnose(telling))
  })

const isolationFor = (request: IsolationRequest): Effect.Effect<Isolation, SandboxUnavailableError> =>
  request === "none"
    ? Effect.succeed(none)
    : request === "landlock"
    ? landlockOnly
    : firstThatWorks(request)

/**
 * Finds out what this machine offers by starting `true` in a sandbox built exactly as a session's is; 6 to 50 ms. The
 * answer holds for the life of the process: keep it, for example with `Effect.cached`. Fails with
 * {@link SandboxUnavailableError}. For `none` nothing is tried, but it needs Linux and Node too, as all of the local runtime does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const probe = (request: IsolationRequest): Effect.Effect<Isolation, SandboxUnavailableError> =>
  Effect.suspend(() => {
    const unmet = unmetRequirement()
    return unmet === undefined ? isolationFor(request) : unavailable(request, unmet)
  })

/**
 * Every isolation of the level `namespaces` that works here, best first: for tests and diagnosis.
 *
 * @since 0.1.0
 * @category constructors
 */
export const probeAll: Effect.Effect<ReadonlyArray<Isolation>> = Effect.gen(function*() {
  const all = yield* candidates
  const complaints = yield* Effect.forEach(all, complaintOf)
  const working = all.filter((_, index) => complaints[index] === undefined)
  const isFirst = (how: Confined, index: number) =>
    working.findIndex((other) => other._tag === how._tag && other.entry === how.entry) === index
  return working.filter(isFirst).map(confined(yield* findMemoryController))
})
