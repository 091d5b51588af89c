/**
 * The host's end of its spawner: one for the whole process, while anybody holds it. Who lets go last ends it, which it
 * does with the last process that it started. One that was killed takes all of them along, and the next start makes another.
 */
import * as Effect from "effect/Effect"
import * as GlobalValue from "effect/GlobalValue"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:net"
import { SandboxStartError } from "../channel/protocol.js"
import type { News, Order } from "./forkServer.cjs"
import { forkServerFile } from "./forkServerFile.js"
import type { Launch } from "./launch.js"
import { withCovered } from "./spawn.cjs"
import { Launched, type Spawned } from "./spawnedProcess.js"

/** It keeps nobody alive, and gets nothing of this process: what it has, sandboxes could inherit. */
const startSpawner = (): ChildProcess =>
  withCovered(["ignore", "ignore", "ignore", "ipc"], (stdio) =>
    spawn(process.execPath, [forkServerFile()], {
      cwd: "/",
      env: {},
      detached: true,
      stdio,
      serialization: "advanced",
      windowsHide: true
    }))

class Spawner {
  readonly #child = startSpawner()
  readonly #launches = new Map<number, Launched>()
  #last = 0
  #loss: string | undefined

  constructor() {
    this.#child.unref()
    this.#child.channel?.unref()
    this.#child.on("message", (news, socket) => this.#hear(news as News, socket as Socket | undefined))
    this.#child.on("error", ({ message }) => this.#lose(`what starts sandboxes could not be started: ${message}`))
    for (const event of ["disconnect", "exit"]) {
      this.#child.on(event, () => this.#lose("what starts sandboxes has ended"))
    }
  }

  get isLost(): boolean {
    return this.#loss !== undefined
  }

  start(launch: Launch, settle: (result: Spawned | SandboxStartError) => void): void {
    const launched = new Launched(settle)
    if (this.#loss !== undefined) return launched.over(this.#loss)
    const id = ++this.#last
    this.#launches.set(id, launched)
    this.#send({ id, launch })
  }

  finish(): void {
    if (!this.isLost) this.#send({ finish: true })
  }

  #send(order: Order) {
    if (this.#child.pid === undefined) return
    this.#child.send(order, (error) => {
      if (error !== null) this.#lose(error.message)
    })
  }

  #hear(news: News, socket: Socket | undefined) {
    this.#launches.get(news.id)?.hear(news, socket)
    if ("failed" in news || "ended" in news) this.#launches.delete(news.id)
  }

  #lose(reason: string) {
    this.#loss ??= reason
    for (const launched of this.#launches.values()) launched.over(this.#loss)
    this.#launches.clear()
  }
}

interface Shared {
  holders: number
  spawner: Spawner | undefined
}

const shared = GlobalValue.globalValue(
  "@effect-agb/platform-node/spawner",
  (): Shared => ({ holders: 0, spawner: undefined })
)

const current = (): Spawner => {
  if (shared.spawner === undefined || shared.spawner.isLost) shared.spawner = new Spawner()
  return shared.spawner
}

const letGo = Effect.sync(() => {
  shared.holders--
  if (shared.holders > 0) return
  shared.spawner?.finish()
  shared.spawner = undefined
})

/** Keeps the spawner ready until the scope ends. One that cannot be had is the trouble of whoever starts something. */
export const holdSpawner: Effect.Effect<void, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    shared.holders++
  }),
  () => letGo
).pipe(Effect.zipRight(Effect.ignore(Effect.try(current))))

/** To be called by those who hold the spawner. Takes ten seconds at most; what comes later is killed. */
export const spawnByProxy = (launch: Launch): Effect.Effect<Spawned, SandboxStartError> =>
  Effect.async<Spawned, SandboxStartError>((resume) => {
    try {
      current().start(
        launch,
        (result) => resume(result instanceof SandboxStartError ? Effect.fail(result) : Effect.succeed(result))
      )
    } catch (error) {
      resume(new SandboxStartError({ reason: String(error) }))
    }
  })
