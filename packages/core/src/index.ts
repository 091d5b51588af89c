/**
 * The AGB service: creates, lists and deletes the sessions of an account. Most programs use `Session.make` and
 * `Session.layer`, which are built on it and delete what they create.
 */
export * as Agb from "./Agb.js"

/**
 * The endpoints of the AGB API as data. The client encodes requests and decodes replies with these records, the server
 * side (`AgbServer`) does the reverse, and nothing about an endpoint stands anywhere else.
 */
export * as AgbApi from "./AgbApi.js"

/**
 * The wire: one typed method per endpoint, over a `Transport`. A method checks its request before
 * anything is sent, turns the envelope into a value or a typed error, repeats what is safe to repeat inside one
 * deadline, and leaves a span named `AgbClient.<endpoint>`.
 */
export * as AgbClient from "./AgbClient.js"

/**
 * Configuration of the SDK: endpoint, API key, deadlines and retries.
 */
export * as AgbConfig from "./AgbConfig.js"

/**
 * Every failure of the SDK, as flat tagged errors: one per situation that a caller would treat differently.
 */
export * as AgbError from "./AgbError.js"

/**
 * The SDK for programs that do not use Effect: promises of plain results, told apart by `success`. On Node use the `AGB`
 * of `@effect-agb/platform-node`, which brings its transport and reads the environment.
 */
export * as AgbPromise from "./AgbPromise.js"

/**
 * The server side of the wire: turns one handler per endpoint into a function from an HTTP request to an HTTP reply, and
 * one handler per tool into tool replies. The local runtime and the in-memory fakes are built on it; it opens no socket.
 */
export * as AgbServer from "./AgbServer.js"

/**
 * The tools of a session as data: the server inside the session that answers, the arguments, what the text of the
 * answer means, and how safely a call may be repeated. The client's modules and the local runtime are derived from them.
 */
export * as AgbTools from "./AgbTools.js"

/**
 * Runs code in a session. Each language has a kernel that keeps its state between calls; one run at a time per kernel.
 */
export * as Code from "./Code.js"

/**
 * Runs shell commands in a session. Each call is a fresh shell: directory and variables do not carry over.
 */
export * as Command from "./Command.js"

/**
 * What a session is created with.
 */
export * as CreateSessionParams from "./CreateSessionParams.js"

/**
 * Files and directories of a session. Paths are absolute POSIX paths inside the session; sizes and offsets are bytes.
 */
export * as FileSystem from "./FileSystem.js"

/**
 * What the promise face answers: plain objects, told apart by `success`. Every one has the id of the last request that
 * was made for it (empty when none was), and a failed one the message and the typed error.
 */
export * as OperationResult from "./OperationResult.js"

/**
 * A session: a remote, isolated machine that costs money until it is deleted. `make`, `layer` and `use` delete it when
 * their scope ends, however it ends; `attach` uses one that has another owner.
 */
export * as Session from "./Session.js"

/**
 * The one primitive under `Code`, `Command` and `FileSystem`: a call of a tool of one session. A backend, a test or a
 * faster route replaces `send` alone and everything above it stays.
 */
export * as ToolCall from "./ToolCall.js"

/**
 * One HTTP exchange: all that `AgbClient` needs of a network. `layer` runs it over any `HttpClient` of `@effect/platform`;
 * a platform package may bring a faster one.
 */
export * as Transport from "./Transport.js"
