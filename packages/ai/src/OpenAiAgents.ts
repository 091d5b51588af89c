/**
 * Sessions as the sandboxes of the OpenAI Agents SDK (`@openai/agents`), for its `SandboxAgent`. Tried with `@openai/agents-core` 0.20.0; the interface is
 * young there and may change with any release.
 *
 * @since 0.1.0
 */
import type * as Sdk from "@openai/agents-core/sandbox"
import * as openAiClient from "./internal/sandbox/openAiClient.js"
import type { ClientOptions } from "./internal/sandbox/openAiClient.js"

export type {
  /**
   * Options of `sandboxClient`: the layer of the SDK, which is built anew for each session and ends with it, the parameters of the sessions, and the
   * time limit of a command.
   *
   * @since 0.1.0
   * @category models
   */
  ClientOptions
} from "./internal/sandbox/openAiClient.js"

/**
 * A client for `run(agent, input, { sandbox: { client } })`. A session is created by the run and deleted at its end. The workspace is the directory that
 * commands start in, unless the manifest names another root than the default one; its entries may be files and directories, and others are refused. There
 * is no `write_stdin`: a command runs until it ends, or is stopped at `commandTimeout` with exit code 124. Sessions have one user, so `runAs` changes
 * nothing. Promises reject with the typed errors of the session.
 *
 * @example
 * ```ts
 * import * as OpenAiAgents from "@effect-agb/ai/OpenAiAgents"
 * import { NodeAgb } from "@effect-agb/platform-node"
 *
 * export const client = OpenAiAgents.sandboxClient({ agb: NodeAgb.layerConfig(), session: { imageId: "agb-code-space-1" } })
 * // run(new SandboxAgent({ name: "Analyst" }), "Sum the sales.", { sandbox: { client } })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const sandboxClient: (options: ClientOptions) => Sdk.SandboxClient = openAiClient.make
