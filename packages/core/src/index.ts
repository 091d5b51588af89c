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
 * Runs shell commands in a session. Each call starts a fresh shell: working directory and variables are not kept.
 */
export * as Command from "./Command.js"

/**
 * Parameters for creating a session.
 */
export * as CreateSessionParams from "./CreateSessionParams.js"

/**
 * Files and directories of a session. Paths are absolute POSIX paths inside the session; sizes are in bytes.
 */
export * as FileSystem from "./FileSystem.js"

/**
 * Results of the promise API: plain objects, discriminated by `success`. Each contains the id of its last request, a failed
 * one also the message and the typed error.
 */
export * as OperationResult from "./OperationResult.js"

/**
 * A session: a remote, isolated machine that incurs costs until it is deleted. `make`, `layer` and `use` delete it when their
 * scope ends; `attach` uses a session of another owner.
 */
export * as Session from "./Session.js"

/**
 * Tool calls of one session, the primitive under `Code`, `Command` and `FileSystem`. Backends and tests only implement
 * `send`.
 */
export * as ToolCall from "./ToolCall.js"

/**
 * HTTP exchanges, the only network access of `AgbClient`. `layer` implements them over any `HttpClient` of
 * `@effect/platform`; platform packages may provide a faster implementation.
 */
export * as Transport from "./Transport.js"
