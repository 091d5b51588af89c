/**
 * Whether a local runtime keeps the process alive. It does, as any server, unless somebody else decides about that: the
 * promise face, under which the process ends when nobody waits for a call any more.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import type { Server } from "node:http"
import type { Socket } from "node:net"

export const keepsAlive: FiberRef.FiberRef<boolean> = GlobalValue.globalValue(
  "@effect-agb/platform-node/keepsAlive",
  () => FiberRef.unsafeMake(true)
)

const unlessKept = (release: () => void): Effect.Effect<void> =>
  Effect.map(FiberRef.get(keepsAlive), (kept) => kept ? undefined : release())

export const releaseServer = (server: Server): Effect.Effect<void> =>
  unlessKept(() => {
    server.unref()
    server.on("connection", (socket) => socket.unref())
  })

export const releasePipes = (pipes: ReadonlyArray<Socket>): Effect.Effect<void> =>
  unlessKept(() => {
    for (const pipe of pipes) pipe.unref()
  })
