/**
 * Sessions as a provider of ComputeSDK (`computesdk`), for programs that choose among providers. Tried with `computesdk` 4.1.4.
 *
 * @since 0.1.0
 */
import * as computeProvider from "./internal/sandbox/computeProvider.js"
import type { ComputeOptions, ComputeProvider } from "./internal/sandbox/computeProvider.js"

export type {
  /**
   * Options of `provider`: the layer of the SDK, and the parameters of the sessions.
   *
   * @since 0.1.0
   * @category models
   */
  ComputeOptions,
  /**
   * What `compute` takes as its provider. `dispose` deletes the sessions that are left.
   *
   * @since 0.1.0
   * @category models
   */
  ComputeProvider
} from "./internal/sandbox/computeProvider.js"

/**
 * A provider for `compute`. Each sandbox is a session; `destroy` deletes it. `image` or `templateId` is the image of the session, `envs` are variables of
 * every command; sizes and names are not used, and `snapshotId` is refused. Relative paths start at the directory that commands start in. Promises reject
 * with the typed errors of the session.
 *
 * @example
 * ```ts
 * import * as ComputeSdk from "@effect-agb/ai/ComputeSdk"
 * import { NodeAgb } from "@effect-agb/platform-node"
 *
 * export const provider = ComputeSdk.provider({ agb: NodeAgb.layerConfig(), session: { imageId: "agb-code-space-1" } })
 * // compute.setConfig({ provider })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const provider: (options: ComputeOptions) => ComputeProvider = computeProvider.make
