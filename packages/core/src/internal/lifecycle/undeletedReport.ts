/** What could not be deleted, or is in doubt: logged, counted and listed. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { visible } from "../wire/text/visibleText.js"

/** A session that could not be deleted, or a create attempt of unknown outcome, identified by its label alone. */
export interface Undeleted {
  readonly sessionId: string | undefined
  readonly label: string | undefined
  readonly reason: string
}

const undeletedCount = Metric.counter("agb_sessions_undeleted", {
  description: "Sessions that could not be deleted within their budget",
  incremental: true
})

export class UndeletedReport {
  readonly #entries = new Map<string, Undeleted>()

  get entries(): ReadonlyArray<Undeleted> {
    return [...this.#entries.values()]
  }

  session(sessionId: string, reason: string): Effect.Effect<void> {
    return this.#add(`session ${sessionId}`, { sessionId, label: undefined, reason })
  }

  attempt(label: string, reason: string): Effect.Effect<void> {
    return this.#add(`attempt ${label}`, { sessionId: undefined, label, reason })
  }

  /** One that was reported before is not counted again. */
  #add(key: string, entry: Undeleted): Effect.Effect<void> {
    return Effect.suspend(() => {
      const count = this.#entries.has(key) ? Effect.void : Metric.increment(undeletedCount)
      this.#entries.set(key, entry)
      return Effect.zipRight(
        count,
        Effect.annotateLogs(Effect.logError("A session could not be deleted"), {
          ...entry,
          sessionId: entry.sessionId && visible(entry.sessionId)
        })
      )
    })
  }
}
