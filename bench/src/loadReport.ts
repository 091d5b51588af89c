// What a load test saw: latencies, the server's share of them, and whatever went wrong.
import { quantile } from "./compare.js"
import type { Reply } from "./wire.js"

export interface Latencies {
  readonly millis: Array<number>
  /** Of the server's own work, without its wait for the sandbox. */
  readonly server: Array<number>
}

export const latencies = (): Latencies => ({ millis: [], server: [] })

export const record = ({ millis, server }: Latencies, reply: Reply): void => {
  millis.push(reply.millis)
  if (reply.timing !== undefined) server.push(reply.timing.total - reply.timing.sandbox)
}

const shape = (values: ReadonlyArray<number>): string =>
  [["p50", 0.5], ["p99", 0.99], ["max", 1] as const]
    .map(([name, q]) => `${name} ${quantile(values, Number(q)).toFixed(2)} ms`).join("  ")

export const say = (name: string, text: string): void => console.log(`  ${name.padEnd(34)} ${text}`)

export const sayLatencies = (name: string, { millis, server }: Latencies): void => {
  say(name, shape(millis))
  say("", server.length === 0 ? "no server-timing in the replies" : `server's own share: ${shape(server)}`)
}

/** Failures by what they say, so that a thousand of a kind are one line. */
export class Failures {
  private readonly counts = new Map<string, number>()

  add(what: string, error: unknown): void {
    const text = `${what}: ${error instanceof Error ? error.message : String(error)}`
    this.counts.set(text, (this.counts.get(text) ?? 0) + 1)
  }

  /** Runs it; a failure is counted and answers undefined. */
  async watch<A>(what: string, work: () => Promise<A>): Promise<A | undefined> {
    try {
      return await work()
    } catch (error) {
      this.add(what, error)
      return undefined
    }
  }

  get isEmpty(): boolean {
    return this.counts.size === 0
  }

  print(): void {
    for (const [text, count] of this.counts) console.log(`  FAILED ${count} x ${text}`)
  }
}
