/**
 * Whether the handles of a local runtime keep the process alive. They do, as those of any server, except under the promise
 * API, where the process may exit when no call is pending.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import type { Server } from "node:http"
import type { Socket } from "node:net"

export const keepsProcessAlive: FiberRef.FiberRef<boolean> = GlobalValue.globalValue(
  "@effect-agb/platform-node/keepsProcessAlive",
  () => FiberRef.unsafeMake(true)
)

const unlessKeptAlive = (unref: () => void): Effect.Effect<void> =>
  Effect.map(FiberRef.get(keepsProcessAlive), (isKept) => isKept ? undefined : unref())

export const unrefServer = (server: Server): Effect.Effect<void> =>
  unlessKeptAlive(() => {
    server.unref()
    server.on("connection", (socket) => socket.unref())
  })

export const unrefPipes = (pipes: ReadonlyArray<Socket>): Effect.Effect<void> =>
  unlessKeptAlive(() => {
    for (const pipe of pipes) pipe.unref()
  })
