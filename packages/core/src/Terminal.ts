/**
 * Terminals of a session: commands on a pseudo-terminal, opened with `session.terminal.open`, which ends them with a scope. As the
 * platform's `Socket` they are seen through `TerminalSocket`.
 *
 * @since 0.1.0
 */
export {
  /**
   * Creates `Terminals` over the tool calls of a session.
   *
   * @since 0.1.0
   * @category constructors
   */
  make,
  /**
   * Options of `terminal.open`.
   *
   * @since 0.1.0
   * @category models
   */
  type OpenOptions,
  /**
   * A command on a pseudo-terminal in a session. It ends with the scope that opened it, with everything that it has started.
   *
   * @since 0.1.0
   * @category models
   */
  type Terminal,
  /**
   * The outcome of a command on a terminal, as the session recorded it.
   *
   * @since 0.1.0
   * @category models
   */
  type TerminalExit,
  /**
   * Errors of every operation on a terminal.
   *
   * @since 0.1.0
   * @category errors
   */
  type TerminalFailure,
  /**
   * Opens terminals in a session.
   *
   * @since 0.1.0
   * @category models
   */
  type Terminals
} from "./internal/session/terminals.js"
