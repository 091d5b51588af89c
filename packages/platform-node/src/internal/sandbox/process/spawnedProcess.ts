/** The host's view of a process that its fork server starts, from the request to the exit. */
import type { Socket } from "node:net"
import { SandboxStartError } from "../channel/protocol.js"
import type { ForkEvent } from "./forkServer.cjs"
import { killNamespace } from "./kill.js"

/** A process that a fork server has started. */
export interface SpawnedProcess {
  readonly pid: number
  readonly stdin: Socket
  readonly stdout: Socket
  readonly stderr: Socket
  /** Once true, the pid may belong to another process. */
  readonly hasExited: () => boolean
  /** Resolves with the reason of its end. */
  readonly exited: Promise<string>
}

const startTimeoutMs = 10_000

const describeExit = ({ code, signal }: { readonly code: number | null; readonly signal: string | null }) =>
  signal === null ? `its process ended with exit code ${code}` : `its process was ended by ${signal}`

export class PendingSpawn {
  readonly #settle: (result: SpawnedProcess | SandboxStartError) => void
  readonly #timer: NodeJS.Timeout
  readonly #exited: Promise<string>
  readonly #pipes: Array<Socket> = []
  #resolveExited!: (reason: string) => void
  #pid: number | undefined
  #state: "pending" | "settled" | "abandoned" = "pending"
  #hasExited = false

  /** `settle` is called once, within ten seconds; a process that is started later is killed. */
  constructor(settle: (result: SpawnedProcess | SandboxStartError) => void) {
    this.#settle = settle
    this.#timer = setTimeout(
      () => this.#fail(`its process was not started within ${startTimeoutMs} ms`),
      startTimeoutMs
    )
    this.#exited = new Promise((resolve) => {
      this.#resolveExited = resolve
    })
  }

  onEvent(event: ForkEvent, socket: Socket | undefined): void {
    if ("pid" in event) this.#pid = event.pid
    if ("pipe" in event && socket !== undefined) this.#receive(event.pipe, socket)
    if ("handedOver" in event) this.#fail("this process has no descriptors left")
    if ("failed" in event) this.onExit(`its process could not be started: ${event.failed}`)
    if ("exited" in event) this.onExit(describeExit(event.exited))
    if (this.#state === "abandoned") this.#kill()
  }

  /** The process has exited, will never start, or has lost its fork server; the latter exits when its stdin is closed. */
  onExit(reason: string): void {
    this.#hasExited = true
    this.#pipes[0]?.destroy()
    this.#resolveExited(reason)
    this.#fail(reason)
  }

  #receive(index: number, socket: Socket) {
    this.#pipes[index] = socket.on("error", () => {})
    const [stdin, stdout, stderr] = this.#pipes
    if (stdin === undefined || stdout === undefined || stderr === undefined || this.#pid === undefined) return
    if (this.#state !== "pending") return
    this.#state = "settled"
    clearTimeout(this.#timer)
    this.#settle({ pid: this.#pid, stdin, stdout, stderr, hasExited: () => this.#hasExited, exited: this.#exited })
  }

  #fail(reason: string) {
    if (this.#state !== "pending") return
    this.#state = "abandoned"
    clearTimeout(this.#timer)
    this.#kill()
    this.#settle(new SandboxStartError({ reason }))
  }

  #kill() {
    killNamespace({ pid: this.#pid, hasExited: () => this.#hasExited })
    for (const pipe of this.#pipes) pipe?.destroy()
  }
}
