/**
 * How sandboxed code is separated from this machine. The level in force is always reported and never silently lowered:
 * where the requested level is not available, {@link probe} fails and says what to do.
 *
 * There are three levels. `namespaces` gives each sandbox its own root directory, processes, users, network, IPC and host
 * name, through bubblewrap or, where that is missing, `unshare` from util-linux. `landlock`, for Linux 6.12 and newer where
 * namespaces are not permitted, leaves a sandbox on this machine's file system and process list but restricts what it can
 * access. `none` separates nothing and must be requested explicitly. There is no level for macOS (Seatbelt).
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { Isolation, IsolationRequest, SandboxUnavailableError } from "./internal/sandbox/confine/isolation.js"
import * as isolationProbe from "./internal/sandbox/isolationProbe.js"

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

/**
 * Finds out which isolation works here by starting `true` in a sandbox built exactly as a session's is; takes 6 to 50 ms.
 * The result is valid for the life of the process: keep it, for example with `Effect.cached`. `none` needs no trial, but
 * Linux and Node, as all of the local runtime does. Fails with {@link SandboxUnavailableError}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const probe: (request: IsolationRequest) => Effect.Effect<Isolation, SandboxUnavailableError> =
  isolationProbe.probe

/**
 * Every isolation of the level `namespaces` that works here, best first: for tests and diagnosis.
 *
 * @since 0.1.0
 * @category constructors
 */
export const probeAll: Effect.Effect<ReadonlyArray<Isolation>> = isolationProbe.probeAll
