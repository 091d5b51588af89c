/** What a host knows of a process that its spawner starts, from the order to the end. */
import type { Socket } from "node:net"
import { SandboxStartError } from "../channel/protocol.js"
import type { News } from "./forkServer.cjs"
import { killNamespace } from "./kill.js"

/** A process that a spawner has started. */
export interface Spawned {
  readonly pid: number
  readonly stdin: Socket
  readonly stdout: Socket
  readonly stderr: Socket
  /** From then on its number may be another's. */
  readonly isOver: () => boolean
  /** Why it ended. */
  readonly ended: Promise<string>
}

const patience = 10_000

const endOf = ({ code, signal }: { readonly code: number | null; readonly signal: string | null }) =>
  signal === null ? `its process ended with exit code ${code}` : `its process was ended by ${signal}`

export class Launched {
  readonly #settle: (result: Spawned | SandboxStartError) => void
  readonly #timer: NodeJS.Timeout
  readonly #ended: Promise<string>
  readonly #pipes: Array<Socket> = []
  #end!: (reason: string) => void
  #pid: number | undefined
  #state: "awaited" | "settled" | "unwanted" = "awaited"
  #isOver = false

  /** `settle` is called once, within ten seconds; what is started later is killed. */
  constructor(settle: (result: Spawned | SandboxStartError) => void) {
    this.#settle = settle
    this.#timer = setTimeout(() => this.#fail(`its process was not started within ${patience} ms`), patience)
    this.#ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  hear(news: News, socket: Socket | undefined): void {
    if ("pid" in news) this.#pid = news.pid
    if ("pipe" in news && socket !== undefined) this.#receive(news.pipe, socket)
    if ("handedOver" in news) this.#fail("this process has no descriptors left")
    if ("failed" in news) this.over(`its process could not be started: ${news.failed}`)
    if ("ended" in news) this.over(endOf(news.ended))
    if (this.#state === "unwanted") this.#remove()
  }

  /** It has ended, will never start, or has lost who started it: then the end of its input is its end. */
  over(reason: string): void {
    this.#isOver = true
    this.#pipes[0]?.destroy()
    this.#end(reason)
    this.#fail(reason)
  }

  #receive(index: number, socket: Socket) {
    this.#pipes[index] = socket.on("error", () => {})
    const [stdin, stdout, stderr] = this.#pipes
    if (stdin === undefined || stdout === undefined || stderr === undefined || this.#pid === undefined) return
    if (this.#state !== "awaited") return
    this.#state = "settled"
    clearTimeout(this.#timer)
    this.#settle({ pid: this.#pid, stdin, stdout, stderr, isOver: () => this.#isOver, ended: this.#ended })
  }

  #fail(reason: string) {
    if (this.#state !== "awaited") return
    this.#state = "unwanted"
    clearTimeout(this.#timer)
    this.#remove()
    this.#settle(new SandboxStartError({ reason }))
  }

  #remove() {
    killNamespace({ pid: this.#pid, isOver: () => this.#isOver })
    for (const pipe of this.#pipes) pipe?.destroy()
  }
}
