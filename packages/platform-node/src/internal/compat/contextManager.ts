/** `session.context`: the contexts of a session. */
import type * as Promises from "@effect-agb/core/AgbPromise"
import { answer, type ApiResponse, bare, refused } from "./results.js"

/**
 * The last synchronization of a directory. `Success` and `Failed` are final. Times are Unix seconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextStatusData {
  contextId: string
  path: string
  errorMessage: string
  status: string
  startTime: number
  finishTime: number
  taskType: string
}

/**
 * Result of `info`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextInfoResult extends ApiResponse {
  items: Array<ContextStatusData>
}

/**
 * Result of `sync`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextSyncResult extends ApiResponse {}

/**
 * The contexts of a session.
 *
 * @since 0.1.0
 * @category models
 */
export class ContextManager {
  readonly #agb: Promises.AGB
  readonly #session: Promises.Session

  /** @internal */
  constructor(agb: Promises.AGB, session: Promises.Session) {
    this.#agb = agb
    this.#session = session
  }

  /** Returns the last synchronizations, of all contexts or of one. */
  info(contextId?: string, path?: string, taskType?: string): Promise<ContextInfoResult> {
    const { sessionId } = this.#session
    const filter = {
      ...(contextId === undefined ? {} : { contextId }),
      ...(path === undefined ? {} : { path }),
      ...(taskType === undefined ? {} : { taskType })
    }
    return answer(
      this.#agb.client.getContextInfo({ sessionId, ...filter }),
      ({ data }) => ({
        items: data.items.map((item): ContextStatusData => ({
          contextId: item.contextId ?? "",
          path: item.path ?? "",
          errorMessage: item.errorMessage ?? "",
          status: item.status ?? "",
          startTime: item.startTime ?? 0,
          finishTime: item.finishTime ?? 0,
          taskType: item.taskType ?? ""
        }))
      }),
      () => ({ items: [] })
    )
  }

  /**
   * Synchronizes one context or all, and waits for the end, at most `maxRetries` times `retryInterval` milliseconds. What is
   * not confirmed is a failure. The callback is called with the outcome before the promise resolves.
   */
  async sync(
    contextId?: string,
    path?: string,
    mode: string = "upload",
    maxRetries: number = 150,
    retryInterval: number = 1500,
    callback?: (success: boolean) => void
  ): Promise<ContextSyncResult> {
    if ((contextId === undefined) !== (path === undefined)) {
      return refused(
        "context_id and path must be provided together or both omitted. If you want to sync a specific context, both " +
          "context_id and path are required. If you want to sync all contexts, omit both parameters.",
        {}
      )
    }
    const options = { context: contextId, path, mode: mode as "upload", timeoutMs: maxRetries * retryInterval }
    const result = await bare(this.#session.contexts.sync(options))
    callback?.(result.success)
    return result
  }
}
