/** Finds out which isolation works on this machine, and describes it. */
import * as Effect from "effect/Effect"
import { candidates, type Confined, type Landlock, landlockCandidate } from "./confine/candidates.js"
import { diagnose, type Diagnosis, isUnknownOption } from "./confine/diagnosis.js"
import { nodeOnly } from "./confine/interpreters.js"
import { type Isolation, type IsolationRequest, SandboxUnavailableError } from "./confine/isolation.js"
import { probeLandlock } from "./confine/landlock.js"
import { systemCallFilter } from "./confine/seccomp.js"
import { findMemoryController } from "./memory/memoryController.js"
import type { MemoryController } from "./memory/memoryLimit.js"
import { canInspectSandboxes } from "./process/procAccess.js"
import { unmetRequirement } from "./requirements.js"
import { trial } from "./trial.js"

const unavailable = (requested: IsolationRequest, diagnosis: Diagnosis) =>
  new SandboxUnavailableError({ requested, reason: diagnosis.reason, remedy: diagnosis.remedy })

const none: Isolation = {
  level: "none",
  mechanism: "none",
  description: "no isolation: sandboxed code runs as the user who runs this process, with that user's rights",
  doesNotStop: [
    "reading and writing every file of this user, including keys and /tmp of this machine",
    "using the network, including services on loopback",
    "seeing, signalling and debugging the processes of this user",
    "using up memory, CPU time, processes and disk space",
    "outliving a call or the session as a process that hides on purpose: others are found by their environment and by a " +
    "limit that they inherit, on Linux only, on a best-effort basis"
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
    `no capabilities, ${filter}, resource limits, memory limited by ${memory.description}${loopback}`
}

/** What Linux counts for all processes of the user together, of whom some belong to the machine and to other sessions. */
const perUser = (isBounded: boolean) =>
  (isBounded
    ? "using up what Linux allows this user altogether: several sessions together inotify instances, pending signals and " +
      "message queues, a single one "
    : "using up what Linux allows this user altogether: inotify instances, pending signals, ") +
  "epoll watches, buffers of pipes and descriptors on their way over sockets; run this process as root to give each " +
  "session a user id of its own"

const isBounded = (how: Confined) => how._tag === "Unshare" || how.boundsNamespace

const namespaceGaps = (how: Confined, memory: MemoryController): ReadonlyArray<string> => [
  "attacks on the kernel through the system calls that remain",
  "reading what every user may read in /usr and in the folders of the interpreters",
  "seeing in /proc/self/mountinfo where this package and the interpreters are installed",
  "using CPU time until the timeout of a call, and after it through background processes of the session",
  "sending the data of the session to wherever its network reaches: with `outbound` every public address, with `host` " +
  "everything that this machine reaches, including its own services",
  ...(memory.countsKernelMemory ? [] : [
    "using memory that only the kernel accounts for, such as data in pipes and sockets, or shared memory that no process " +
    "has mapped: to limit it, let this process create control groups"
  ]),
  ...(memory.countsKernelMemory || canInspectSandboxes() ? [] : [
    "using memory for files, empty ones included, up to the size of their file systems: this process may not inspect its " +
    "sessions (CAP_SYS_PTRACE)"
  ]),
  ...(how.entry === "caller" ? [perUser(isBounded(how))] : []),
  ...(how._tag === "Bwrap"
    ? [
      "taking all pseudo terminals but the 1,024 that Linux keeps for the machine itself, and those from other containers"
    ]
    : []),
  ...(isFiltered(how) ? [] : ["unusual system calls such as io_uring, keyctl or vsock sockets: no filter is in force"])
]

const inNamespaces = (memory: MemoryController) => (how: Confined): Isolation => ({
  level: "namespaces",
  mechanism: how._tag === "Bwrap" ? "bwrap" : "unshare",
  description: describe(how, memory),
  doesNotStop: namespaceGaps(how, memory),
  confinement: how,
  memory
})

const withLandlock = (how: Landlock, memory: MemoryController): Isolation => ({
  level: "landlock",
  mechanism: "landlock",
  description: "own files through Landlock and no sockets by a system call filter, " +
    (how.entry === "dropped"
      ? "under a user id per session that owns nothing outside"
      : "as the user who runs this process") +
    `, resource limits, memory limited by ${memory.description}`,
  doesNotStop: [
    "attacks on the kernel through the system calls that remain",
    "reading what every user may read in /usr, some files of /etc, and the folders of the interpreters",
    "seeing where this package is installed, and the processes of this machine with their command lines, though not signalling, debugging or slowing them",
    "seeing the names, sizes and times of files" +
    (how.entry === "caller" ? ", and changing modes and times of those of the user who runs this process" : ""),
    "filling the disk of this machine's temporary directory: only the size of one file is limited",
    "using CPU time until the timeout of a call, and after it through background processes of the session",
    ...(how.entry === "caller"
      ? [
        perUser(false),
        "outliving the session as processes that replace each other faster than they are found",
        ...(memory.limitsProcesses
          ? []
          : ["taking, together with one other session, all processes that sessions may have"])
      ]
      : []),
    ...(memory.countsKernelMemory ? [] : ["using memory that only the kernel accounts for"]),
    "where network `host` was requested, everything on it, Unix sockets of this user included"
  ],
  confinement: { ...how, limitsProcesses: memory.limitsProcesses },
  memory
})

/** Landlock alone does not stop datagrams and Unix sockets, so the system call filter is required too. */
const tryLandlock = Effect.gen(function*() {
  const how = yield* landlockCandidate
  if (how === undefined) return { failure: "perl is missing, or only root can come to the files of this package" }
  if (systemCallFilter(process.arch) === undefined) return { failure: `no filter exists for ${process.arch}` }
  const failure = yield* Effect.promise(() => probeLandlock(how.perl))
  return failure === undefined ? withLandlock(how, yield* findMemoryController) : { failure }
})

const landlockOnly = Effect.flatMap(tryLandlock, (found) =>
  "failure" in found
    ? unavailable("landlock", {
      reason: `Landlock is not available: ${found.failure}`,
      remedy: "Use Linux 6.12 or newer with Landlock enabled (lsm=landlock,...) and perl"
    })
    : Effect.succeed(found))

const failureOf = (how: Confined): Effect.Effect<string | undefined> => trial(how, nodeOnly, ["true"])

const firstThatWorks = (requested: IsolationRequest) =>
  Effect.gen(function*() {
    const failures: Array<string> = []
    for (const how of yield* candidates) {
      const failure = yield* failureOf(how)
      if (failure === undefined) return inNamespaces(yield* findMemoryController)(how)
      failures.push(failure)
    }
    const fallback = requested === "auto" ? yield* tryLandlock : undefined
    if (fallback !== undefined && !("failure" in fallback)) return fallback
    const telling = failures.find((failure) => !isUnknownOption(failure)) ?? failures[0]
    return yield* unavailable(requested, diagnose(telling))
  })

const isolationFor = (request: IsolationRequest): Effect.Effect<Isolation, SandboxUnavailableError> =>
  request === "none"
    ? Effect.succeed(none)
    : request === "landlock"
    ? landlockOnly
    : firstThatWorks(request)

/** Starts `true` in a sandbox built exactly as a session's is. */
export const probe = (request: IsolationRequest): Effect.Effect<Isolation, SandboxUnavailableError> =>
  Effect.suspend(() => {
    const unmet = unmetRequirement()
    return unmet === undefined ? isolationFor(request) : unavailable(request, unmet)
  })

/** Every isolation of the level `namespaces` that works here, best first. */
export const probeAll: Effect.Effect<ReadonlyArray<Isolation>> = Effect.gen(function*() {
  const all = yield* candidates
  const failures = yield* Effect.forEach(all, failureOf)
  const working = all.filter((_, index) => failures[index] === undefined)
  const isFirst = (how: Confined, index: number) =>
    working.findIndex((other) => other._tag === how._tag && other.entry === how.entry) === index
  return working.filter(isFirst).map(inNamespaces(yield* findMemoryController))
})
