/**
 * Processes of a session: started with `Command.start`, which ends them with a scope, or `Command.startDetached`, which leaves
 * them to the session. Nothing about them lives in this program: output, input and outcome are files in the session.
 *
 * @since 0.1.0
 */
export {
  /**
   * Errors of `Command.attach`.
   *
   * @since 0.1.0
   * @category errors
   */
  type AttachError,
  /**
   * How far each stream of a process has been read, in bytes from its beginning: the type, and its schema.
   *
   * @since 0.1.0
   * @category models
   */
  Cursor,
  /**
   * The outcome of a process, as its session recorded it.
   *
   * @since 0.1.0
   * @category models
   */
  type Exit,
  /**
   * A piece of the output of a process.
   *
   * @since 0.1.0
   * @category models
   */
  type LogChunk,
  /**
   * The output that `Process.waitForLog` has found.
   *
   * @since 0.1.0
   * @category models
   */
  type LogMatch,
  /**
   * Options of `Process.logs`.
   *
   * @since 0.1.0
   * @category models
   */
  type LogOptions,
  /**
   * A process in a session. Its output stays in the session: any number of readers can read it, from any position.
   *
   * @since 0.1.0
   * @category models
   */
  type Process,
  /**
   * Errors of every operation on a process.
   *
   * @since 0.1.0
   * @category errors
   */
  type ProcessFailure,
  /**
   * Finds a process again: `Command.attach(ref.key)` on the session of this id. The type, and its schema.
   *
   * @since 0.1.0
   * @category models
   */
  ProcessRef,
  /**
   * A process of a session, in the list of all.
   *
   * @since 0.1.0
   * @category models
   */
  type ProcessSummary,
  /**
   * Known signals; sessions may know others.
   *
   * @since 0.1.0
   * @category models
   */
  type Signal,
  /**
   * Options of `Command.startDetached`.
   *
   * @since 0.1.0
   * @category models
   */
  type StartDetachedOptions,
  /**
   * Options of `Command.start`.
   *
   * @since 0.1.0
   * @category models
   */
  type StartOptions
} from "./internal/session/processes/model.js"
