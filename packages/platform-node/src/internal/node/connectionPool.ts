/** A bounded pool of connections to one origin, with a queue in which the first come is the first served. */
import type { Client } from "undici"

/** An idle connection. undici closes its socket when the server does, or announced to, or after 4 s. */
interface Idle {
  readonly client: Client
  readonly since: number
}

/**
 * The longest idle time in milliseconds after which a socket may carry a request that cannot be repeated. Servers close idle
 * sockets, and a request that crosses with the close is lost without a proof that it was; the shortest time in use is 2 s.
 */
const freshFor = 500

/**
 * The longest idle time in milliseconds without a turn of the event loop before such a request: a program that kept the loop
 * busy meanwhile has not seen yet that the server closed the socket.
 */
const busyFor = 1

export class ConnectionPool {
  /** The last used is the last: the others may become idle for long enough to be closed. */
  readonly #idle: Array<Idle> = []
  readonly #waiting = new Set<() => boolean>()
  readonly #clients = new Set<Client>()
  readonly #connect: () => Client
  readonly #size: number

  constructor(size: number, connect: () => Client) {
    this.#size = size
    this.#connect = connect
  }

  /**
   * Calls `use` with a connection, which must be released once, as soon as one is free. Returns a function that leaves the
   * queue.
   */
  acquire(isRepeatable: boolean, use: (client: Client) => void): () => void {
    const serve = () => {
      const idle = this.#take(isRepeatable)
      if (idle === undefined) return false
      if (isRepeatable || performance.now() - idle.since < busyFor) use(idle.client)
      else setImmediate(() => use(idle.client))
      return true
    }
    if (!serve()) this.#waiting.add(serve)
    return () => this.#waiting.delete(serve)
  }

  release(client: Client): void {
    this.#idle.push({ client, since: performance.now() })
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next)
    next()
  }

  readonly destroy = (): Promise<unknown> => Promise.all([...this.#clients].map((client) => client.destroy()))

  #take(isRepeatable: boolean): Idle | undefined {
    const last = this.#idle.pop()
    if (last === undefined) return this.#clients.size < this.#size ? this.#open() : undefined
    if (isRepeatable || performance.now() - last.since <= freshFor) return last
    this.#clients.delete(last.client)
    void last.client.destroy()
    return this.#open()
  }

  #open(): Idle {
    const client = this.#connect()
    this.#clients.add(client)
    return { client, since: performance.now() }
  }
}
