/**
 * The limit on the memory of a whole session: every process, what they share, and their files, which are in memory too.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SandboxStartError } from "../channel/protocol.js"

/** The memory of one session; it ends with the scope, after its processes. */
export interface MemoryHold {
  /** Begins to count the process and what it will start; `end` is for a session that only its end can help. */
  readonly attach: (pid: number, end: (reason: string) => void) => void
  /** Completes when every process of the session is counted: to be awaited before any foreign code runs. */
  readonly counted: Effect.Effect<void, SandboxStartError>
  /** How often something was killed because the limit was reached. */
  readonly kills: () => number
}

export interface MemoryKeeper {
  /** For people. */
  readonly means: string
  /** Whether memory of the kernel counts, such as what waits in pipes and sockets. */
  readonly isComplete: boolean
  /** `memoryFolders` are the mount points, inside, of the session's own file systems in memory. */
  readonly hold: (
    bytes: number,
    memoryFolders: ReadonlyArray<string>
  ) => Effect.Effect<MemoryHold, SandboxStartError, Scope.Scope>
  /** Waits, two seconds at most, until nothing is left of sessions that have ended. */
  readonly cleared: Effect.Effect<void>
  /** Removes what processes that were killed have left. */
  readonly sweep: Effect.Effect<void>
}
