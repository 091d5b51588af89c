/**
 * Whether a local runtime keeps the process alive. It does, as any server, unless somebody else decides about that: the
 * promise face, under which the process ends when nobody waits for a call any more.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import type { ChildProcess } from "node:child_process"
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

export const releaseChild = (child: ChildProcess): Effect.Effect<void> =>
  unlessKept(() => {
    child.unref()
    for (const pipe of child.stdio) (pipe as Socket | null)?.unref()
  })
