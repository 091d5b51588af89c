/** The memory limit of a session: all its processes, their shared memory, and its files, which are in memory too. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SandboxStartError } from "../channel/protocol.js"

/** The memory limit of one session. It is released with the scope, after the session's processes have ended. */
export interface MemoryLimit {
  /**
   * Begins to count the process and its descendants. `endSession` is called where killing single processes does not help.
   */
  readonly attach: (pid: number, endSession: (reason: string) => void) => void
  /** Completes once every process of the session is counted. Await it before untrusted code runs. */
  readonly enforced: Effect.Effect<void, SandboxStartError>
  /** How many times a process was killed at the limit. */
  readonly oomKills: () => number
}

/** What enforces memory limits on this machine. */
export interface MemoryController {
  /** One phrase for people. */
  readonly description: string
  /** Whether kernel memory counts, such as data in pipes and sockets. */
  readonly countsKernelMemory: boolean
  /** Whether it can limit the processes of a session, where those of other sessions have the same user id. */
  readonly limitsProcesses: boolean
  /**
   * `tmpfsMounts` are the mount points, as seen inside, of the session's own file systems in memory. `processes` is how many
   * it may have, threads included, where nothing else limits them.
   */
  readonly limit: (
    bytes: number,
    tmpfsMounts: ReadonlyArray<string>,
    processes?: number
  ) => Effect.Effect<MemoryLimit, SandboxStartError, Scope.Scope>
  /** Waits, two seconds at most, until nothing is left of sessions that have ended. */
  readonly drained: Effect.Effect<void>
  /** Removes what killed hosts have left behind. */
  readonly sweep: Effect.Effect<void>
}
