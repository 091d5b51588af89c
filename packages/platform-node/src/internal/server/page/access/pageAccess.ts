/** The doors of all pages: of the sessions that have had an address, of the runtime, and for a while of sessions that have ended. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { LocalSession } from "../../sessions/localSession.js"
import { type Access, Door } from "./doors.js"
import type { PageTarget } from "./pageHosts.js"

/** How many sessions that have ended are remembered, for how long, so that those who had a page of one open are told. */
const maxEnded = 100
const endedMillis = 10 * 60_000

interface Ended {
  readonly door: Door
  readonly reason: string
  readonly until: number
}

/** A door with what is behind it. */
export type Entrance =
  | { readonly kind: "session"; readonly door: Door; readonly session: LocalSession }
  | { readonly kind: "runtime"; readonly door: Door }
  | { readonly kind: "ended"; readonly door: Door; readonly reason: string }

export class PageAccess {
  readonly #runtime = new Door()
  readonly #sessions = new Map<string, { readonly door: Door; readonly session: LocalSession }>()
  readonly #ended = new Map<string, Ended>()

  /** A code for the page of a session; once the session has ended it leads nowhere. */
  issue(session: LocalSession, access: Access): Effect.Effect<string> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const known = this.#sessions.get(session.sessionId)
      if (known !== undefined) return Effect.succeed(known.door.issue(access, now))
      const door = new Door()
      this.#sessions.set(session.sessionId, { door, session })
      return Effect.as(
        Scope.addFinalizer(session.scope, Effect.flatMap(Clock.currentTimeMillis, (now) => this.#end(session, now))),
        door.issue(access, now)
      )
    })
  }

  /** A code for the page of the runtime. */
  issueForRuntime(access: Access): Effect.Effect<string> {
    return Effect.map(Clock.currentTimeMillis, (now) => this.#runtime.issue(access, now))
  }

  find(target: PageTarget, now: number): Entrance | undefined {
    if (target.kind === "runtime") return { kind: "runtime", door: this.#runtime }
    const found = this.#sessions.get(target.sessionId)
    if (found !== undefined) return { kind: "session", ...found }
    const ended = this.#ended.get(target.sessionId)
    return ended === undefined || ended.until <= now ? undefined : { kind: "ended", ...ended }
  }

  #end({ endReason: reason = "it has ended", sessionId }: LocalSession, now: number): Effect.Effect<void> {
    return Effect.sync(() => {
      const found = this.#sessions.get(sessionId)
      this.#sessions.delete(sessionId)
      if (found?.door.hasCookies !== true) return
      this.#ended.set(sessionId, { door: found.door, reason, until: now + endedMillis })
      for (const [oldest, { until }] of this.#ended) {
        if (this.#ended.size <= maxEnded && until > now) break
        this.#ended.delete(oldest)
      }
    })
  }
}
