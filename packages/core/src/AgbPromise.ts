/**
 * The SDK for programs that do not use Effect: promises of plain results, discriminated by `success`. On Node use the `AGB`
 * of `@effect-agb/platform-node`, which includes a transport and reads the environment.
 *
 * Failures, including invalid arguments, are results. A promise rejects only with the reason of an aborted signal or with a
 * defect of the SDK. An `AGB` owns the sessions it creates: `dispose` deletes the remaining ones.
 *
 * @since 0.1.0
 */
export {
  AGB,
  BaseSession,
  type CreateOptions,
  type DeleteOptions,
  type PoolOptions,
  type PoolResult,
  Session,
  type SessionPool,
  type SessionResult
} from "./internal/promise/agb.js"

export type {
  /**
   * A session that a sweep has kept, and why. `error` is there if its labels could not be read.
   *
   * @since 0.1.0
   * @category models
   */
  KeptSession,
  /**
   * Options of `sweep`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  SweepOptions,
  /**
   * What a sweep did. Each session is in one of the lists.
   *
   * @since 0.1.0
   * @category models
   */
  SweepReport
} from "./internal/promise/agbOperations.js"

export {
  /**
   * A kernel with a state of its own. `await using`, or `close`, ends it.
   *
   * @since 0.1.0
   * @category models
   */
  type CodeContext,
  /**
   * Result of `code.context`. `context` is absent on failure.
   *
   * @since 0.1.0
   * @category models
   */
  type CodeContextResult,
  /**
   * Options of `code.context`.
   *
   * @since 0.1.0
   * @category models
   */
  type ContextOptions
} from "./internal/promise/session/codeContext.js"

export type {
  /**
   * Called while code runs: with each piece of output, and with each displayed value.
   *
   * @since 0.1.0
   * @category models
   */
  RunCodeCallbacks,
  /**
   * Options of `runCode`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  RunCodeOptions
} from "./internal/promise/session/runCallbacks.js"

export {
  /**
   * Parameters of `create`: image, labels and idle timeout. The constructor never throws: `create` validates the values
   * before anything is sent.
   *
   * @since 0.1.0
   * @category models
   */
  CreateSessionParams
} from "./CreateSessionParams.js"

export {
  /**
   * The low-level client: one method per endpoint, under its wire name.
   *
   * @since 0.1.0
   * @category models
   */
  type Client
} from "./internal/promise/client.js"

export {
  /**
   * Runs code in a session. Each language has a kernel that keeps its state between calls.
   *
   * @since 0.1.0
   * @category models
   */
  type Code
} from "./internal/promise/session/code.js"

export {
  /**
   * Runs shell commands in a session. Each call starts a fresh shell.
   *
   * @since 0.1.0
   * @category models
   */
  type Command,
  /**
   * Options of `executeCommand`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ExecuteCommandOptions
} from "./internal/promise/session/command.js"

export {
  /**
   * Options of `clear`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ClearContextOptions,
  /**
   * A file or folder of a context.
   *
   * @since 0.1.0
   * @category models
   */
  type ContextEntry,
  /**
   * Options of `files`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ContextFilesOptions,
  /**
   * A context.
   *
   * @since 0.1.0
   * @category models
   */
  type ContextInfo,
  /**
   * The contexts of an account.
   *
   * @since 0.1.0
   * @category models
   */
  type Contexts,
  /**
   * Options of `read`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ReadContextFileOptions,
  /**
   * Options of `write`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WriteContextFileOptions
} from "./internal/promise/contexts.js"

export type {
  /**
   * The same record, whose optional values are absent or plain.
   *
   * @since 0.1.0
   * @category models
   */
  Plain
} from "./internal/promise/plain.js"

export {
  /**
   * The last synchronization of a directory with its context, in one direction.
   *
   * @since 0.1.0
   * @category models
   */
  type ContextSync,
  /**
   * The contexts of a session.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionContexts,
  /**
   * Links to the ports of a session.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionLink,
  /**
   * Resource usage of a session.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionMetrics,
  /**
   * Options of `contexts.sync`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type SyncOptions,
  /**
   * Options of `link.waitFor`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WaitForLinkOptions
} from "./internal/promise/session/sessionContexts.js"

export {
  /**
   * An endpoint and the transport to reach it.
   *
   * @since 0.1.0
   * @category models
   */
  type EndpointOptions,
  /**
   * Settings of an endpoint. Absent ones are read from the environment or have defaults.
   *
   * @since 0.1.0
   * @category models
   */
  type EndpointSettings,
  /**
   * A layer that provides the `Agb` service.
   *
   * @since 0.1.0
   * @category models
   */
  type LayerOptions
} from "./internal/promise/connection/connect.js"

export type {
  /**
   * An iterator whose values come by requests; it knows the id of the last.
   *
   * @since 0.1.0
   * @category models
   */
  RequestIterator
} from "./internal/promise/connection/iterate.js"

export {
  /**
   * What `writeFile` takes: text, bytes, or bytes that are read as they are sent.
   *
   * @since 0.1.0
   * @category models
   */
  type Content,
  /**
   * Options of `copy`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type CopyOptions,
  /**
   * Type, size and attributes of a file or directory. What the session does not tell is undefined.
   *
   * @since 0.1.0
   * @category models
   */
  type FileStat,
  /**
   * Files and directories of a session.
   *
   * @since 0.1.0
   * @category models
   */
  type FileSystem,
  /**
   * Options of `readFile` and `readFileBytes`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ReadFileOptions,
  /**
   * Options of `readFileStream`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ReadFileStreamOptions,
  /**
   * Options of `remove`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type RemoveOptions,
  /**
   * Options of `watchDirectory`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WatchDirectoryOptions,
  /**
   * Options of `writeFile`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WriteFileOptions
} from "./internal/promise/session/fileSystem.js"

export {
  /**
   * Defines an operation of a platform package, whose value lasts until it is released.
   *
   * @internal
   */
  lasting,
  /**
   * Defines an operation of a platform package, which returns a stream.
   *
   * @internal
   */
  source
} from "./internal/promise/operation.js"

export {
  /**
   * Options of every call, passed as its last argument: `signal` cancels the call.
   *
   * @since 0.1.0
   * @category models
   */
  type CallOptions
} from "./internal/promise/operation.js"

export {
  /**
   * The outcome of a process, as its session recorded it.
   *
   * @since 0.1.0
   * @category models
   */
  type Exit,
  /**
   * A process in a session. Its output stays in the session: any number of readers can read it, from any position.
   *
   * @since 0.1.0
   * @category models
   */
  type Process,
  /**
   * Result of a start. `process` is absent on failure.
   *
   * @since 0.1.0
   * @category models
   */
  type ProcessResult,
  /**
   * A process of a session, in the list of all.
   *
   * @since 0.1.0
   * @category models
   */
  type ProcessSummary,
  /**
   * Options of `startDetached`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type StartOptions,
  /**
   * Options of `wait`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WaitOptions
} from "./internal/promise/session/process.js"

export {
  /**
   * Options of `terminal.open`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type OpenOptions,
  /**
   * A command on a pseudo-terminal in a session. `await using`, or `close`, ends it with everything that it has started.
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
   * Result of `terminal.open`. `terminal` is absent on failure.
   *
   * @since 0.1.0
   * @category models
   */
  type TerminalResult,
  /**
   * Opens terminals in a session.
   *
   * @since 0.1.0
   * @category models
   */
  type Terminals,
  /**
   * Options of `wait` of a terminal, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WaitTerminalOptions
} from "./internal/promise/session/terminal.js"

export {
  /**
   * Options of `callTool`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type CallToolOptions,
  /**
   * Result of `info`. It contains credentials: do not log it.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionInfo
} from "./internal/promise/session/sessionOperations.js"

export type {
  /**
   * An `AGB` that has sessions to delete.
   *
   * @since 0.1.0
   * @category models
   */
  SessionOwner,
  /**
   * Who is told which `AGB`s have sessions to delete, e.g. a `Set`. Platform packages use it to delete those that a program
   * has forgotten.
   *
   * @since 0.1.0
   * @category models
   */
  SessionOwners
} from "./internal/promise/connection/sessionOwner.js"
