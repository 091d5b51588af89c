/**
 * Sessions for the AI SDK (`ai` 7): as its experimental sandbox, as the sandbox provider of its harnesses, and as tools. Tried with `ai` 7.0.173
 * and `@ai-sdk/harness` 1.0.122; the interfaces are experimental there and may change with any release.
 *
 * @since 0.1.0
 */
import type { InvalidRequestError } from "@effect-agb/core/AgbError"
import type { Code } from "@effect-agb/core/Code"
import type { Command } from "@effect-agb/core/Command"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import type { Session } from "@effect-agb/core/Session"
import type * as Ai from "ai"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Tools } from "./AgbToolkit.js"
import * as provider from "./internal/sandbox/provider.js"
import type { Provider, ProviderOptions } from "./internal/sandbox/provider.js"
import * as sandboxOfSession from "./internal/sandbox/sandbox.js"
import * as sdkTools from "./internal/sandbox/sdkTools.js"
import type { Output } from "./internal/sandbox/sdkTools.js"
import type { Options } from "./internal/tools/handlers.js"

export type {
  /**
   * Options of `createSession`. A `sessionId` is used by a provider that is `resumable`, to find the session again; `identity` is not:
   * sessions have no snapshots.
   *
   * @since 0.1.0
   * @category models
   */
  CreateOptions,
  /**
   * A sandbox with what is around it: the links to its ports, and its end. `stop` and `destroy` both delete the session, but for the
   * `stop` of one that can be resumed.
   *
   * @since 0.1.0
   * @category models
   */
  NetworkSandbox,
  /**
   * Where a port of a sandbox is reached.
   *
   * @since 0.1.0
   * @category models
   */
  PortEndpoint,
  /**
   * Creates sandboxes, as `HarnessV1SandboxProvider` of `@ai-sdk/harness`.
   *
   * @since 0.1.0
   * @category models
   */
  Provider,
  /**
   * Options of `sandboxProvider`. `agb` is built anew for each sandbox and ends with it.
   *
   * @since 0.1.0
   * @category models
   */
  ProviderOptions,
  /**
   * Options of `resumeSession`. It rejects with `SessionLostError` where the session has ended meanwhile.
   *
   * @since 0.1.0
   * @category models
   */
  ResumeOptions
} from "./internal/sandbox/provider.js"

export type {
  /**
   * What a tool returns: the result, and its figures, which models get as images.
   *
   * @since 0.1.0
   * @category models
   */
  Output
} from "./internal/sandbox/sdkTools.js"

export type {
  /**
   * Options of `tools`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  Options
} from "./internal/tools/handlers.js"

/**
 * A session as the sandbox of `generateText`, `streamText` and agents. Relative paths start at the directory that commands start in. Missing files
 * are null, missing directories are created, and promises reject with the typed errors of the session, or with the reason of an aborted signal.
 * A process that nobody kills ends with the session.
 *
 * @example
 * ```ts
 * import { Session } from "@effect-agb/core"
 * import * as AiSdk from "@effect-agb/ai/AiSdk"
 * import { Effect } from "effect"
 *
 * export const program = Session.use({ imageId: "agb-code-space-1" }, (session) =>
 *   Effect.promise(async () => {
 *     const sandbox = AiSdk.sandbox(session)
 *     await sandbox.writeTextFile({ path: "data/numbers.txt", content: "1\n2\n" })
 *     return sandbox.run({ command: "wc -l data/numbers.txt" })
 *   }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const sandbox: (session: Session) => Ai.Experimental_SandboxSession = sandboxOfSession.make

/**
 * Sandboxes without Effect: each `createSession` creates a session, which `destroy` or `stop` deletes.
 *
 * @example
 * ```ts
 * import * as AiSdk from "@effect-agb/ai/AiSdk"
 * import { NodeAgb } from "@effect-agb/platform-node"
 *
 * export const provider = AiSdk.sandboxProvider({
 *   agb: NodeAgb.layerConfig(),
 *   session: { imageId: "agb-code-space-1" }
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const sandboxProvider: (options: ProviderOptions) => Provider = provider.make

/**
 * The tools of `AgbToolkit` as tools of the AI SDK. Figures are given to the model as images. Processes that it started end with the scope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const tools: (options?: Options) => Effect.Effect<
  Readonly<Record<keyof Tools, Ai.Tool<unknown, Output>>>,
  InvalidRequestError,
  Code | Command | FileSystem | Scope.Scope
> = sdkTools.make
