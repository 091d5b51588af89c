/**
 * How far sandboxed code is kept away from this machine. A level is always stated and never silently lowered: where the
 * level that was asked for cannot be had, {@link probe} fails and says what to do.
 *
 * Two levels exist. `namespaces` gives each sandbox a root directory, processes, users, network, IPC and host name of its
 * own, through bubblewrap or, where that is missing, through `unshare` from util-linux. `none` keeps nothing away and is
 * only ever used when asked for in words. Levels between the two for Linux without namespaces (Landlock) and for macOS
 * (Seatbelt) do not exist yet: on such machines the choice is `none` or a container that permits namespaces.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { diagnose, type Diagnosis, isAboutAge, notLinux } from "./internal/sandbox/complaint.js"
import { candidates, type Confined, type Confinement } from "./internal/sandbox/confinement.js"
import { nodeOnly } from "./internal/sandbox/interpreters.js"
import { trial } from "./internal/sandbox/sandboxTrial.js"
import { systemCallFilter } from "./internal/sandbox/seccomp.js"

/**
 * What is in force.
 *
 * @since 0.1.0
 * @category models
 */
export type IsolationLevel = "namespaces" | "none"

/**
 * What a user asks for. `auto` takes the best that this machine offers and fails where it offers nothing; it never
 * becomes `none`.
 *
 * @since 0.1.0
 * @category models
 */
export type IsolationRequest = "auto" | "namespaces" | "none"

/**
 * An isolation that was tried on this machine and works.
 *
 * @since 0.1.0
 * @category models
 */
export interface Isolation {
  readonly level: IsolationLevel
  /** The tool that builds the sandbox. */
  readonly mechanism: "bwrap" | "unshare" | "none"
  /** One line for people: what is in force. */
  readonly description: string
  /** What sandboxed code can do all the same, one sentence each. */
  readonly doesNotStop: ReadonlyArray<string>
  /** @internal */
  readonly confinement: Confinement
}

/**
 * The isolation that was asked for cannot be had here. `reason` is a sentence made from the complaint of the tool that
 * was tried, `remedy` says what to install or to change.
 *
 * @since 0.1.0
 * @category errors
 */
export class SandboxUnavailableError extends Schema.TaggedError<SandboxUnavailableError>()("SandboxUnavailableError", {
  requested: Schema.Literal("auto", "namespaces", "none"),
  reason: Schema.String,
  remedy: Schema.String
}) {
  /** @since 0.1.0 */
  override get message(): string {
    return `No sandbox (isolation: "${this.requested}"): ${this.reason}. ${this.remedy}.`
  }
}

const unavailable = (requested: IsolationRequest, diagnosis: Diagnosis) =>
  new SandboxUnavailableError({ requested, ...diagnosis })

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
  confinement: { _tag: "Unconfined" }
}

const users: Readonly<Record<Confined["entry"], string>> = {
  caller: "as an ordinary user of a user namespace",
  dropped: "as an ordinary user of a user namespace, under a user id per session that owns nothing outside",
  root: "under a user id per session that owns nothing outside, without a user namespace"
}

const isFiltered = (how: Confined) =>
  systemCallFilter(process.arch) !== undefined && (how._tag === "Bwrap" || how.perl !== undefined)

const describe = (how: Confined): string => {
  const tool = how._tag === "Bwrap" ? "bubblewrap" : "unshare from util-linux"
  const filter = isFiltered(how) ? "a system call filter" : "no system call filter"
  const loopback = how._tag === "Unshare" && how.ip === undefined ? ", no loopback inside (install iproute2)" : ""
  return `own root directory, processes, network, IPC and host name through ${tool}, ${users[how.entry]}, ` +
    `no capabilities, ${filter}, resource limits${loopback}`
}

const gaps = (how: Confined): ReadonlyArray<string> => [
  "attacks on the kernel through the system calls that remain",
  "reading what every user may read in /usr and in the folders of the interpreters",
  "using processor time up to the deadline of a call, and after it through background processes of the session",
  "using more memory than one process may, through many processes, shared memory and files in memory",
  ...(isFiltered(how) ? [] : ["unusual system calls such as io_uring, keyctl or vsock sockets: no filter is in force"])
]

const confined = (how: Confined): Isolation => ({
  level: "namespaces",
  mechanism: how._tag === "Bwrap" ? "bwrap" : "unshare",
  description: describe(how),
  doesNotStop: gaps(how),
  confinement: how
})

const complaintOf = (how: Confined): Effect.Effect<string | undefined> => trial(how, nodeOnly, ["true"])

const firstThatWorks = (requested: IsolationRequest) =>
  Effect.gen(function*() {
    const complaints: Array<string> = []
    for (const how of yield* candidates) {
      const complaint = yield* complaintOf(how)
      if (complaint === undefined) return confined(how)
      complaints.push(complaint)
    }
    const telling = complaints.find((complaint) => !isAboutAge(complaint)) ?? complaints[0]
    return yield* unavailable(requested, diagnose(telling))
  })

/**
 * Finds out what this machine offers by starting `true` in a sandbox built exactly as a session's is; 6 to 50 ms. The
 * answer holds for the life of the process: keep it, for example with `Effect.cached`. Fails with
 * {@link SandboxUnavailableError}. For `none` nothing is tried, but it needs Linux too, as all of the local runtime does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const probe = (request: IsolationRequest): Effect.Effect<Isolation, SandboxUnavailableError> =>
  process.platform !== "linux"
    ? unavailable(request, notLinux(process.platform))
    : request === "none"
    ? Effect.succeed(none)
    : firstThatWorks(request)

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
  return working.filter(isFirst).map(confined)
})
