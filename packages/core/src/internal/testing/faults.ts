/** Faults between a client and any backend: what `AgbTest` exports of them. */
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import { Interceptor } from "../client/transport/exchange.js"
import type { Fault, Moment } from "./fault.js"
import { intercept } from "./interception.js"
import type { Point } from "./points.js"

export type {
  /**
   * What happens to a request instead of its answer, or before it.
   *
   * @since 0.1.0
   * @category models
   */
  Fault,
  /**
   * `before`: the server never gets the request. `after`: it has done the work, and the caller does not know.
   *
   * @since 0.1.0
   * @category models
   */
  Moment
} from "./fault.js"

export type {
  /**
   * Where a fault can strike: an endpoint of the API by its name, e.g. `createSession`; a tool, e.g. `run_code`, by whatever route
   * it is called; the `webSocket` of a session, which streams runs; a `transfer` of the content of a file to or from a URL.
   *
   * @since 0.1.0
   * @category models
   */
  Point
} from "./points.js"

/**
 * The faults of a point: one of every request, those of its first requests in order, where `undefined` is none, or a function of
 * the number of the request, counted from 0. An attempt that is repeated counts again.
 *
 * @since 0.1.0
 * @category models
 */
export type Rule = Fault | ReadonlyArray<Fault | undefined> | ((nth: number) => Fault | undefined)

/**
 * The faults of each point. That of a tool goes before that of the endpoint `callTool`.
 *
 * @since 0.1.0
 * @category models
 */
export type Plan = { readonly [P in Point]?: Rule }

const isList = (rule: Rule): rule is ReadonlyArray<Fault | undefined> => Array.isArray(rule)

const faultOf = (rule: Rule, nth: number): Fault | undefined => {
  if (typeof rule === "function") return rule(nth)
  return isList(rule) ? rule[nth] : rule
}

/**
 * Layer of faults around a backend, which it reaches by `Layer.provide`. Each use of the layer counts its requests anew.
 *
 * ```ts
 * import { LocalAgb } from "@effect-agb/platform-node"
 * import * as AgbTest from "@effect-agb/core/AgbTest"
 * import { Layer } from "effect"
 *
 * // The first reply to a create is lost, and the second run is answered with 503 after it was done.
 * export const backend = LocalAgb.layer().pipe(
 *   Layer.provide(AgbTest.faults({
 *     createSession: [AgbTest.lostReply],
 *     run_code: [undefined, AgbTest.unavailable("after")]
 *   }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const faults = (plan: Plan): Layer.Layer<Interceptor> =>
  Layer.sync(Interceptor, () => {
    const asked = new Map<Point, number>()
    return intercept((points) => {
      const point = points.find((point) => plan[point] !== undefined)
      if (point === undefined) return undefined
      const nth = asked.get(point) ?? 0
      asked.set(point, nth + 1)
      return faultOf(plan[point]!, nth)
    })
  })

/**
 * The answer is late. Default `when`: `before`, so that an interruption meanwhile means that nothing was done.
 *
 * @since 0.1.0
 * @category faults
 */
export const delay = (duration: Duration.DurationInput, when: Moment = "before"): Fault => ({
  _tag: "Delay",
  duration,
  when
})

/**
 * No answer ever comes, until a deadline or an interruption. A WebSocket that is silent `after` was opened and says nothing.
 *
 * @since 0.1.0
 * @category faults
 */
export const silence = (when: Moment): Fault => ({ _tag: "Silence", when })

/**
 * The connection breaks before the server has got the request, which the caller cannot know.
 *
 * @since 0.1.0
 * @category faults
 */
export const lostRequest: Fault = { _tag: "Break", when: "before" }

/**
 * The server has done the work, and the connection breaks before its reply arrives.
 *
 * @since 0.1.0
 * @category faults
 */
export const lostReply: Fault = { _tag: "Break", when: "after" }

/**
 * The connection breaks after so many bytes of what is received: of a reply, of the messages of a WebSocket or of a file; of a file
 * that is sent, after so many bytes of it. What is not longer comes whole.
 * `NaN` and what is below 0 count as 0.
 *
 * @since 0.1.0
 * @category faults
 */
export const cutAfter = (bytes: number): Fault => ({ _tag: "Cut", bytes: bytes > 0 ? bytes : 0 })

/**
 * The server refuses with this status, error code and message, before or after it has done the work. Default headers: none.
 *
 * @since 0.1.0
 * @category faults
 */
export const refused = (
  when: Moment,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {}
): Fault => ({ _tag: "Answer", when, status, code, message, headers })

/**
 * A 503, before or after the server has done the work: `ServerError`.
 *
 * @since 0.1.0
 * @category faults
 */
export const unavailable = (when: Moment): Fault => refused(when, 503, "ServiceUnavailable", "try again later")

/**
 * Too many requests: `RateLimitedError`. `retryAfterSeconds` is what the server asks to wait. Default: it does not say.
 *
 * @since 0.1.0
 * @category faults
 */
export const rateLimited = (retryAfterSeconds?: number): Fault =>
  refused(
    "before",
    429,
    "Throttling.User",
    "too many requests",
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }
  )

/**
 * The account may have no more sessions: `RequestRejectedError` with the code `QuotaExceeded`.
 *
 * @since 0.1.0
 * @category faults
 */
export const quotaExceeded: Fault = refused("before", 400, "QuotaExceeded", "no more sessions are allowed")

/**
 * The session is not there any more: `SessionLostError`. In the backend it goes on, and is deleted as any other,
 * unless this is the answer to its delete, which is believed.
 *
 * @since 0.1.0
 * @category faults
 */
export const sessionLost: Fault = refused(
  "before",
  404,
  "InvalidMcpSession.NotFound",
  "The specified session is not found."
)
