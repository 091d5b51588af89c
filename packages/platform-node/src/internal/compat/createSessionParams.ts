/** Parameters of `create` under the names of the official SDK. */
import type * as Core from "@effect-agb/core/CreateSessionParams"
import { type ContextSync, mountOf } from "./contextSync.js"
import { wrongOptions } from "./options.js"

/**
 * Parameters of a session.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreateSessionOptions {
  /** The image, e.g. `agb-code-space-1`. Required. */
  imageId?: string
  labels?: Record<string, string>
  policyId?: string
  /** The directories that contexts persist. */
  contextSync?: Array<Pick<ContextSync, "contextId" | "path" | "policy">>
  /** Idle time in seconds after which the server releases the session. Default, also of 0: 300. */
  idleReleaseTimeout?: number
}

/**
 * Parameters of `create`. The values are checked by `create`; the constructor never throws.
 *
 * @since 0.1.0
 * @category models
 */
export class CreateSessionParams implements CreateSessionOptions {
  declare imageId?: string
  declare labels?: Record<string, string>
  declare policyId?: string
  declare contextSync?: Array<Pick<ContextSync, "contextId" | "path" | "policy">>
  declare idleReleaseTimeout?: number

  constructor(options: CreateSessionOptions = {}) {
    Object.assign(this, options)
  }
}

const known = ["imageId", "labels", "policyId", "contextSync", "idleReleaseTimeout"] as const

const advice = {
  mcpPolicyId: "the official SDK ignores it, use policyId",
  browserContext: "this SDK does not offer browsers yet",
  contexts: "use contextSync",
  idleTimeout: "use idleReleaseTimeout, in seconds"
}

/** Those of the promise API, or what is wrong with them. What is inside them is checked there. */
export const inputOf = (params: CreateSessionOptions | null | undefined): Core.Input | string => {
  if (params === null || params === undefined) return "params is required and cannot be null"
  const wrong = wrongOptions("agb.create", params, known, advice)
  if (wrong !== undefined) return wrong
  const { contextSync, idleReleaseTimeout, imageId, labels, policyId } = params
  if (typeof imageId !== "string" || imageId.trim() === "") return "imageId is required and cannot be empty or null"
  if (idleReleaseTimeout !== undefined && !(Number.isInteger(idleReleaseTimeout) && idleReleaseTimeout >= 0)) {
    return "idleReleaseTimeout must be a number of seconds from 0 on"
  }
  const isSync = (sync: unknown) => typeof sync === "object" && sync !== null
  if (contextSync !== undefined && !(Array.isArray(contextSync) && contextSync.every(isSync))) {
    return "contextSync must be an array of ContextSync"
  }
  return {
    imageId,
    ...(labels === undefined ? {} : { labels }),
    ...(policyId === undefined ? {} : { policyId }),
    ...(contextSync === undefined ? {} : { contexts: contextSync.map(mountOf) }),
    ...(idleReleaseTimeout === undefined || idleReleaseTimeout === 0
      ? {}
      : { idleTimeout: idleReleaseTimeout * 1000 })
  }
}
