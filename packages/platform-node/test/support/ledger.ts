/** What a server was asked for and which sessions it made and ended: the proof that none is left. */
import type * as AgbTest from "@effect-agb/core/AgbTest"
import type { Point } from "./faults.js"

export interface Seen {
  /** The endpoint, and for `callTool` the tool first. */
  readonly points: ReadonlyArray<Point>
  readonly sessionId: string | undefined
  /** Milliseconds on the clock of the server. */
  readonly at: number
}

/** What happened to a session, or anything else. */
type Entry = Pick<AgbTest.LedgerEntry, "_tag" | "sessionId">

export class Ledger {
  readonly requests: Array<Seen> = []
  readonly #entries: () => ReadonlyArray<Entry>

  /** What happened to sessions is told by the server. */
  constructor(entries: () => ReadonlyArray<Entry> = () => []) {
    this.#entries = entries
  }

  #ids(tag: Entry["_tag"]): Array<string> {
    return this.#entries().flatMap((entry) => entry._tag === tag ? [entry.sessionId ?? ""] : [])
  }

  get created(): Array<string> {
    return this.#ids("SessionCreated")
  }

  get deleted(): Array<string> {
    return this.#ids("SessionDeleted")
  }

  /** Sessions that nobody deleted and that ended because nobody used them. */
  get idledOut(): Array<string> {
    return this.#ids("SessionExpired")
  }

  get live(): number {
    return this.created.length - this.deleted.length - this.idledOut.length
  }

  /** How often an endpoint or a tool was asked for. */
  count(point: Point): number {
    return this.requests.filter(({ points }) => points.includes(point)).length
  }

  /** When an endpoint or a tool was asked for. */
  times(point: Point): ReadonlyArray<number> {
    return this.requests.filter(({ points }) => points.includes(point)).map(({ at }) => at)
  }
}
