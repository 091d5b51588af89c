/**
 * The host's end of its fork server, which is shared by the whole process. The last holder that lets go of it tells it to
 * finish: it exits with the last process that it started. One that was killed takes its processes along, and the next
 * start makes a new one.
 */
import * as Effect from "effect/Effect"
import * as GlobalValue from "effect/GlobalValue"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:net"
import { SandboxStartError } from "../channel/protocol.js"
import type { ForkEvent, ForkRequest } from "./forkServer.cjs"
import { forkServerFile } from "./forkServerFile.js"
import type { Launch } from "./launch.js"
import { withInheritedFdsMasked } from "./spawn.cjs"
import { PendingSpawn, type SpawnedProcess } from "./spawnedProcess.js"

/** It inherits nothing of this process, since sandboxes could inherit it in turn. */
const startForkServer = (): ChildProcess =>
  withInheritedFdsMasked(["ignore", "ignore", "ignore", "ipc"], (stdio) =>
    spawn(process.execPath, [forkServerFile()], {
      cwd: "/",
      env: {},
      detached: true,
      stdio,
      serialization: "advanced",
      windowsHide: true
    }))

class ForkServer {
  readonly #child = startForkServer()
  readonly #pending = new Map<number, PendingSpawn>()
  #lastId = 0
  #loss: string | undefined

  constructor() {
    this.#child.unref()
    this.#child.channel?.unref()
    this.#child.on("message", (event, socket) => this.#onEvent(event as ForkEvent, socket as Socket | undefined))
    this.#child.on("error", ({ message }) => this.#lose(`the fork server could not be started: ${message}`))
    for (const event of ["disconnect", "exit"]) {
      this.#child.on(event, () => this.#lose("the fork server has ended"))
    }
  }

  get isLost(): boolean {
    return this.#loss !== undefined
  }

  start(launch: Launch, settle: (result: SpawnedProcess | SandboxStartError) => void): void {
    const spawned = new PendingSpawn(settle)
    if (this.#loss !== undefined) return spawned.onExit(this.#loss)
    const id = ++this.#lastId
    this.#pending.set(id, spawned)
    this.#send({ id, launch })
  }

  finish(): void {
    if (!this.isLost) this.#send({ finish: true })
  }

  #send(request: ForkRequest) {
    if (this.#child.pid === undefined) return
    this.#child.send(request, (error) => {
      if (error !== null) this.#lose(error.message)
    })
  }

  #onEvent(event: ForkEvent, socket: Socket | undefined) {
    this.#pending.get(event.id)?.onEvent(event, socket)
    if ("failed" in event || "exited" in event) this.#pending.delete(event.id)
  }

  #lose(reason: string) {
    this.#loss ??= reason
    for (const spawned of this.#pending.values()) spawned.onExit(this.#loss)
    this.#pending.clear()
  }
}

interface Shared {
  holders: number
  forkServer: ForkServer | undefined
}

const shared = GlobalValue.globalValue(
  "@effect-agb/platform-node/forkServer",
  (): Shared => ({ holders: 0, forkServer: undefined })
)

const current = (): ForkServer => {
  if (shared.forkServer === undefined || shared.forkServer.isLost) shared.forkServer = new ForkServer()
  return shared.forkServer
}

const release = Effect.sync(() => {
  shared.holders--
  if (shared.holders > 0) return
  shared.forkServer?.finish()
  shared.forkServer = undefined
})

/** Keeps the fork server running until the scope ends. A failure to start it is reported by the first spawn. */
export const holdForkServer: Effect.Effect<void, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    shared.holders++
  }),
  () => release
).pipe(Effect.zipRight(Effect.ignore(Effect.try(current))))

/** For holders of the fork server. Takes ten seconds at most; a process that is started later is killed. */
export const spawnProcess = (launch: Launch): Effect.Effect<SpawnedProcess, SandboxStartError> =>
  Effect.async<SpawnedProcess, SandboxStartError>((resume) => {
    try {
      current().start(
        launch,
        (result) => resume(result instanceof SandboxStartError ? Effect.fail(result) : Effect.succeed(result))
      )
    } catch (error) {
      resume(new SandboxStartError({ reason: String(error) }))
    }
  })
