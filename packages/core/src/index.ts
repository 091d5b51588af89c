/**
 * The AGB service: creates, lists and deletes the sessions of an account. Most programs use `Session.make` and
 * `Session.layer`, which are built on it and delete their sessions.
 */
export * as Agb from "./Agb.js"

/**
 * Declarations of the endpoints of the AGB API. The client (`AgbClient`) and the server (`AgbServer`) are derived from them.
 */
export * as AgbApi from "./AgbApi.js"

/**
 * Low-level client: one typed method per endpoint, over a `Transport`. A method validates its request before sending,
 * decodes the reply to a value or a typed error, retries safe calls within one deadline, and records a span named
 * `AgbClient.<endpoint>`.
 */
export * as AgbClient from "./AgbClient.js"

/**
 * Configuration of the SDK: endpoint, API key, deadlines and retries.
 */
export * as AgbConfig from "./AgbConfig.js"

/**
 * Errors of the SDK: one tagged error per situation that callers handle differently.
 */
export * as AgbError from "./AgbError.js"

/**
 * The SDK for programs that do not use Effect: promises of plain results, discriminated by `success`. On Node use the `AGB`
 * of `@effect-agb/platform-node`, which includes a transport and reads the environment.
 */
export * as AgbPromise from "./AgbPromise.js"

/**
 * Server side of the API: converts one handler per endpoint to a function from HTTP requests to HTTP replies, and one
 * handler per tool to a function that returns tool replies. It opens no socket; the local runtime and in-memory fakes use it.
 */
export * as AgbServer from "./AgbServer.js"

/**
 * Definitions of the tools of a session: server, arguments, result codec and retry safety. The client modules and the
 * local runtime are derived from them.
 */
export * as AgbTools from "./AgbTools.js"

/**
 * Runs code in a session. Each language has a kernel that keeps its state between calls and runs one call at a time.
 */
export * as Code from "./Code.js"

/**
 * Runs shell commands in a session, and starts processes that go on between calls. Each command has a fresh shell: working
 * directory and variables are not kept.
 */
export * as Command from "./Command.js"

/**
 * Contexts: named storage of the account that outlives sessions. A session that is created with `contexts` finds their content in
 * its directories and saves the directories when it ends; a program reads and writes their files without a session.
 */
export * as Contexts from "./Contexts.js"

/**
 * Parameters for creating a session.
 */
export * as CreateSessionParams from "./CreateSessionParams.js"

/**
 * Files and directories of a session. Paths are absolute POSIX paths inside the session; sizes are in bytes.
 */
export * as FileSystem from "./FileSystem.js"

/**
 * Who deletes the sessions of a program that has no chance to do so itself, e.g. after `kill -9`. It is told of each create
 * before its request is sent, and of each session before anybody can use it. `NodeAgb.layerGuardian` is a process that does so;
 * `Agb` tells whichever guardian is in its context.
 */
export * as Guardian from "./Guardian.js"

/**
 * Names of known images. A server may have others, and an account may have images of its own: any name can be passed as `imageId`.
 */
export * as Images from "./Images.js"

/**
 * Results of the promise API: plain objects, discriminated by `success`. Each contains the id of its last request, a failed
 * one also the message and the typed error.
 */
export * as OperationResult from "./OperationResult.js"

/**
 * Processes of a session: started with `Command.start`, which ends them with a scope, or `Command.startDetached`, which leaves
 * them to the session. Nothing about them lives in this program: output, input and outcome are files in the session.
 */
export * as Process from "./Process.js"

/**
 * What a platform knows of the programs on its machine: the identity of the running one, which its sessions carry as a label,
 * and whether another one has ended. `Agb.sweep` relies on it. `NodeAgb` provides it; without it, programs are told apart by
 * nothing but the age of their sessions.
 */
export * as Program from "./Program.js"

/**
 * What a run displayed, as typed values: text as a string, images as bytes, JSON as a value. A displayed value has one
 * representation or several, each of a MIME type.
 */
export * as RichResult from "./RichResult.js"

/**
 * A session: a remote, isolated machine that incurs costs until it is deleted. `make`, `layer` and `use` delete it when their
 * scope ends; `attach` uses a session of another owner.
 */
export * as Session from "./Session.js"

/**
 * The platform's `FileSystem`, `CommandExecutor` and `Path` over a session: an Effect program that was written for
 * `@effect/platform` runs inside the session unchanged. Errors are the platform's own: `SystemError` with the reasons that Node
 * has, `BadArgument` for what cannot be asked for; the `cause` is the error of the session.
 */
export * as SessionPlatform from "./SessionPlatform.js"

/**
 * A pool of sessions that many fibers share, each with a session of its own for as long as it needs one. Borrowers are
 * served in the order of arrival. A session that is lost, unhealthy or too old, or whose borrower met a defect, is deleted
 * and never reaches another borrower.
 */
export * as SessionPool from "./SessionPool.js"

/**
 * A reference to a session that can be stored, sent elsewhere, and used by another program: `Session.resume`.
 */
export * as SessionRef from "./SessionRef.js"

/**
 * Terminals of a session: commands on a pseudo-terminal, opened with `session.terminal.open`, which ends them with a scope. As the
 * platform's `Socket` they are seen through `TerminalSocket`.
 */
export * as Terminal from "./Terminal.js"

/**
 * Tool calls of one session, the primitive under `Code`, `Command` and `FileSystem`. Backends and tests only implement
 * `send`.
 */
export * as ToolCall from "./ToolCall.js"

/**
 * Moves files and directories between this machine and a session, with their permissions. A file appears in its place when all of
 * it is there; what a broken transfer has left of a large file is kept beside it under a name that begins with `.agb-`, and the
 * next transfer continues there. Links and special files are left out and named in the progress.
 */
export * as Transfer from "./Transfer.js"

/**
 * HTTP exchanges and WebSockets, the only network access of the SDK. `layer` implements the former over any `HttpClient` of
 * `@effect/platform`; platform packages may provide a faster implementation, and sockets whose reading can be paused.
 */
export * as Transport from "./Transport.js"
