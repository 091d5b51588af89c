/** What a server was asked for and which sessions it made and ended: the proof that none is left. */
import type { Point } from "./faults.js"

export interface Seen {
  /** The endpoint, and for `callTool` the tool first. */
  readonly points: ReadonlyArray<Point>
  readonly sessionId: string | undefined
  /** Milliseconds on the clock of the server. */
  readonly at: number
}

export class Ledger {
  readonly requests: Array<Seen> = []
  readonly created: Array<string> = []
  readonly deleted: Array<string> = []
  /** Sessions that nobody deleted and that ended because nobody used them. */
  readonly idledOut: Array<string> = []
  peak = 0

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

  create(sessionId: string): void {
    this.created.push(sessionId)
    this.peak = Math.max(this.peak, this.live)
  }
}
