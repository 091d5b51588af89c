/** What can go wrong between a client and a server, as data: at which request, before or after the work, and how. */
import type { AgbApi, AgbTools } from "@effect-agb/core"
import { Deferred, Effect } from "effect"
import type { Socket } from "node:net"

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The connection breaks without an answer. */
export const cut = Symbol("cut")

/** Bytes as no well-behaved server writes them; a server without sockets breaks the connection instead. */
export interface Raw {
  readonly write: (socket: Socket) => void
}

export type Answer = Reply | typeof cut | Raw

export interface Fault {
  /** Whether the server has done the work when the fault strikes, or does it only after the wait. */
  readonly when: "before" | "after" | "meanwhile"
  readonly wait?: Effect.Effect<void>
  /** What is answered instead. Without it everything goes on after the wait. */
  readonly answer?: (reply: Reply) => Answer
}

/** An endpoint, or a tool behind `callTool`. */
export type Point = AgbApi.EndpointName | AgbTools.ToolName

type Rule = (nth: number) => Fault | undefined

export interface Faults {
  /** The faults of the next requests to a point, in order; `undefined` is a request without one. */
  readonly next: (point: Point, ...faults: ReadonlyArray<Fault | undefined>) => void
  /** The fault of every request to a point, counted from 0. */
  readonly always: (point: Point, rule: Rule | Fault) => void
  readonly clear: () => void
  readonly take: (points: ReadonlyArray<Point>) => Fault | undefined
}

export const makeFaults = (): Faults => {
  const rules = new Map<Point, { readonly rule: Rule; asked: number }>()
  const always: Faults["always"] = (point, rule) => {
    rules.set(point, { rule: typeof rule === "function" ? rule : () => rule, asked: 0 })
  }
  return {
    always,
    next: (point, ...faults) => always(point, (nth) => faults[nth]),
    clear: () => rules.clear(),
    take: (points) => {
      const found = points.map((point) => rules.get(point)).find((entry) => entry !== undefined)
      return found?.rule(found.asked++)
    }
  }
}

const json = { "content-type": "application/json" }

/** An envelope that says no. */
export const refusal = (status: number, code: string, message: string, headers: Reply["headers"] = {}): Reply => ({
  status,
  headers: { ...json, ...headers },
  body: JSON.stringify({ requestId: "fault", success: false, code, message, httpStatusCode: status })
})

export const answers = (when: Fault["when"], reply: Reply): Fault => ({ when, answer: () => reply })

/** The work is done, the reply is lost. */
export const lostReply: Fault = { when: "after", answer: () => cut }

/** The connection breaks before any work. */
export const lostRequest: Fault = { when: "before", answer: () => cut }

export const unavailable = (when: Fault["when"]): Fault =>
  answers(when, refusal(503, "ServiceUnavailable", "try again later"))

/** Refused before any work, with or without a `Retry-After`. */
export const rateLimited = (retryAfter?: string): Fault =>
  answers(
    "before",
    refusal(429, "Throttling.User", "too many", retryAfter === undefined ? {} : { "retry-after": retryAfter })
  )

export const delay = (millis: number, when: Fault["when"] = "before"): Fault => ({ when, wait: Effect.sleep(millis) })

/** A gateway answers at once, and the server behind it does the work later. */
export const late = (millis: number, reply: Reply | typeof cut): Fault => ({
  when: "meanwhile",
  wait: Effect.sleep(millis),
  answer: () => reply
})

/** A server that never answers. */
export const silent = (when: Fault["when"]): Fault => ({ when, wait: Effect.never })

/** The work is done and answered with this text. */
export const text = (body: string, contentType = "text/html", status = 200): Fault =>
  answers("after", { status, headers: { "content-type": contentType }, body })

/** The work is done and its reply changed. */
export const changed = (change: (body: string) => string): Fault => ({
  when: "after",
  answer: (reply) => ({ ...reply, body: change(reply.body) })
})

export const raw = (when: Fault["when"], write: (socket: Socket, reply: Reply) => void): Fault => ({
  when,
  answer: (reply) => ({ write: (socket) => write(socket, reply) })
})

/** Where a server can be made to stand still. */
export interface Gate {
  readonly fault: (when: Fault["when"], then?: Fault["answer"]) => Fault
  /** Waits until a request stands at the gate. */
  readonly reached: Effect.Effect<void>
  readonly open: Effect.Effect<void>
}

export const makeGate: Effect.Effect<Gate> = Effect.gen(function*() {
  const reached = yield* Deferred.make<void>()
  const opened = yield* Deferred.make<void>()
  const pass = Effect.zipRight(Deferred.succeed(reached, undefined), Deferred.await(opened))
  return {
    fault: (when, then) => ({ when, wait: pass, ...(then === undefined ? {} : { answer: then }) }),
    reached: Deferred.await(reached),
    open: Effect.asVoid(Deferred.succeed(opened, undefined))
  }
})
