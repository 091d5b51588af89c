/** The client. */
import * as Core from "@effect-agb/core/AgbPromise"
import * as Inspectable from "effect/Inspectable"
import * as Redacted from "effect/Redacted"
import * as transport from "../node/transport.js"
import { ContextService } from "./contextService.js"
import { type CreateSessionOptions, inputOf } from "./createSessionParams.js"
import { AGBError } from "./errors.js"
import { answer, type ApiResponse, bare, conceal, messageOf, refused, replyOf, toolListOf } from "./results.js"
import { type DeleteResult, Session } from "./session.js"
import { type AGBOptions, Config, settingsOf } from "./settings.js"

/**
 * Result of `create` and `get`. `session` is null or absent after a failure.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionResult extends ApiResponse {
  session?: Session | null
}

/**
 * A page of sessions. `totalCount` counts all pages; `nextToken` is empty on the last one.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionListResult extends ApiResponse {
  sessionIds: Array<string>
  nextToken: string
  maxResults: number
  totalCount: number
}

/**
 * What the server says about a session. `resourceUrl`, `wsUrl` and `token` are credentials and not enumerable.
 *
 * @since 0.1.0
 * @category models
 */
export interface GetSessionData {
  appInstanceId: string
  resourceId: string
  sessionId: string
  success: boolean
  resourceUrl: string
  status: string
  linkUrl: string
  wsUrl: string
  token: string
  toolList: string
}

/**
 * Result of `getSession`. `httpStatusCode` is 0 without a reply.
 *
 * @since 0.1.0
 * @category models
 */
export interface GetSessionResult extends ApiResponse {
  httpStatusCode: number
  code: string
  data?: GetSessionData
}

/** A page beyond this one is no page that anybody asks for. */
const maxPage = 10_000

const make = (options: string | AGBOptions | undefined): Core.AGB => {
  const { apiKey, endpoint, timeoutMs } = settingsOf(options)
  try {
    // Without owners: what the program leaves behind ends after its idle time, as with the official SDK.
    return new Core.AGB({ apiKey, endpoint, timeoutMs, transport: transport.layer })
  } catch (error) {
    throw new AGBError(error instanceof Error ? error.message : String(error), {}, { cause: error })
  }
}

/**
 * Creates, finds, lists and deletes sessions. The constructor sends nothing. It throws an `AuthenticationError` without a key, and
 * an `AGBError` that names an option that is wrong or unknown.
 *
 * Sessions are not kept alive: the server releases them after their idle time. Those that are left when the program ends are left
 * to it as well; `dispose` deletes them.
 *
 * @since 0.1.0
 * @category models
 */
export class AGB {
  /** The contexts of the account. */
  readonly context: ContextService
  readonly #agb: Core.AGB

  /** Takes a key, options, or an `AGB` of the promise API, with which it then shares everything. */
  constructor(options?: string | AGBOptions | Core.AGB) {
    this.#agb = options instanceof Core.AGB ? options : make(options)
    this.context = new ContextService(this.#agb)
  }

  get apiKey(): string {
    return this.#agb.apiKey
  }

  get config(): Config {
    return new Config({ endpoint: this.#agb.endpoint, timeoutMs: this.#agb.timeoutMs })
  }

  /** The low-level client of this SDK, with a method for each endpoint. */
  get client(): Core.Client {
    return this.#agb.client
  }

  /** Creates a session and waits until the content of its contexts has arrived. */
  async create(params: CreateSessionOptions | null | undefined): Promise<SessionResult> {
    const input = inputOf(params)
    if (typeof input === "string") return refused(input, {})
    return answer(
      this.#agb.create(input, { keepAlive: false }),
      ({ session }) => ({ session: new Session(this.#agb, session) }),
      () => ({})
    )
  }

  /** Finds a session. */
  async get(sessionId: string): Promise<SessionResult> {
    if (typeof sessionId !== "string" || sessionId.trim() === "") {
      return refused("sessionId is required", { session: null })
    }
    return answer(
      this.#agb.attach(sessionId),
      ({ session }): { session: Session | null } => ({ session: new Session(this.#agb, session) }),
      ({ error }) => ({ session: null, errorMessage: `Failed to get session ${sessionId}: ${messageOf(error)}` })
    )
  }

  /** Asks what the server says about a session. */
  getSession(sessionId: string): Promise<GetSessionResult> {
    return answer(
      this.#agb.client.getSession({ sessionId }),
      ({ data }) => ({
        httpStatusCode: 200,
        code: "ok",
        data: conceal<GetSessionData>(
          {
            appInstanceId: data.appInstanceId ?? "",
            resourceId: data.resourceId ?? "",
            sessionId: data.sessionId,
            success: data.success ?? true,
            resourceUrl: data.resourceUrl ?? "",
            status: data.status ?? "",
            linkUrl: data.linkUrl ?? "",
            wsUrl: data.wsUrl ?? "",
            token: data.token === undefined ? "" : Redacted.value(data.token),
            toolList: toolListOf(data.toolList)
          },
          "resourceUrl",
          "wsUrl",
          "token"
        )
      }),
      ({ error }) => replyOf(error)
    )
  }

  /** Lists the live sessions that have all the labels, one page of at most `limit`. Page N costs N requests. */
  async list(labels: Record<string, string> = {}, page: number = 1, limit: number = 10): Promise<SessionListResult> {
    const nothing = { sessionIds: [], nextToken: "", maxResults: limit, totalCount: 0 }
    if (!(page >= 1)) return refused(`Cannot reach page ${page}: Page number must be >= 1`, nothing)
    if (!Number.isInteger(page) || page > maxPage) {
      return refused(`Cannot reach page ${page}: Page number must be an integer up to ${maxPage}`, nothing)
    }
    let nextToken = ""
    for (let number = 1;; number += 1) {
      const request = { labels, maxResults: limit, ...(nextToken === "" ? {} : { nextToken }) }
      const result = await answer(
        this.#agb.client.listSession(request),
        ({ data: { nextToken: next = "", sessions, total = 0 } }) => ({
          sessionIds: sessions.map(({ sessionId }) => sessionId),
          nextToken: next,
          maxResults: limit,
          totalCount: total
        }),
        () => nothing
      )
      if (!result.success || number === page) return result
      nextToken = result.nextToken
      if (nextToken === "") {
        const errorMessage = `Cannot reach page ${page}: No more pages available`
        return { ...result, success: false, sessionIds: [], errorMessage }
      }
    }
  }

  /** The same as `session.delete`. */
  delete(session: Session, syncContext: boolean = false): Promise<DeleteResult> {
    return bare(this.#agb.delete(session.sessionId, { sync: syncContext }))
  }

  /** Deletes the sessions that this client has created and not deleted, and releases its resources. */
  dispose(): Promise<void> {
    return this.#agb.dispose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** @internal */
  toJSON(): unknown {
    return { _id: "AGB", ...this.config }
  }

  /** @internal */
  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}
