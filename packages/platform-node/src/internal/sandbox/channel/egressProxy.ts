/**
 * The way out of a sandbox that has no network: its agent is a proxy inside, asks here for each connection, and this
 * process dials and carries the bytes. Whatever was asked ends with the sandbox.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Denial, dial, type Outbound } from "../../egress/dial.js"
import { makeTurns } from "../../fifoSemaphore.js"
import type { SandboxConnection } from "./connection.js"
import { type OutboundEvent, SandboxStartError } from "./protocol.js"
import { openTunnel } from "./tunnel.js"

/** Where the proxy listens, on the loopback of a sandbox: nothing else runs there yet. */
export const proxyPort = 3128

/** Connections of one sandbox to the outside at a time; the agent lets more of them wait. */
const mostConnections = 128

/** How long a connection of which one half has ended may be without any bytes. */
const longestSilence = 300_000

const startLimit = 10_000

type Ask = Extract<OutboundEvent, { readonly event: "ask" }>

/** Hands bytes on until both directions have ended, or one of them has broken off: then the other side learns that too. */
const join = (socket: Socket, tunnel: Duplex): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const fail = () => {
      socket.resetAndDestroy()
      tunnel.destroy()
    }
    let open = 2
    const streams = [[socket, tunnel], [tunnel, socket]] as const
    for (const [one, other] of streams) {
      one.on("error", fail)
      one.on("end", () => socket.setTimeout(longestSilence, fail))
      one.on("close", () => {
        if (!one.readableEnded || !one.writableFinished) fail()
        open -= 1
        if (open === 0) resume(Effect.void)
      })
      one.pipe(other)
    }
  })

const accept = (connection: SandboxConnection, { connection: number }: Ask, socket: Socket, over: () => void) =>
  Effect.acquireUseRelease(
    Effect.sync(() => openTunnel(connection, { op: "accept", connection: number }, { over })),
    (tunnel) => join(socket, tunnel),
    (tunnel) => Effect.sync(() => tunnel.destroy())
  )

/** Waits for the answer, so that an agent which takes none has its connections used up. */
const refuse = (
  connection: SandboxConnection,
  { connection: number }: Ask,
  { message, reason }: Denial,
  over: () => void
) =>
  Effect.sync(() => {
    connection.start({ op: "refuse", connection: number, reason, message }, undefined, { onEnd: over })
  })

/** For a machine that is out of descriptors, for example. */
const notDialled = new Denial({ reason: "unreachable", message: "this machine could not make a connection" })

/** Starts the proxy inside, which asks from then on. */
const listen = (connection: SandboxConnection, onAsk: (ask: Ask) => void): Effect.Effect<void, SandboxStartError> =>
  Effect.async((resume) => {
    const overdue = setTimeout(() => connection.end("its proxy did not listen in time"), startLimit)
    const call = { op: "outbound", port: proxyPort, connections: mostConnections } as const
    connection.start(call, undefined, {
      onOutbound: (event) => {
        if (event.event === "ask") return onAsk(event)
        clearTimeout(overdue)
        resume(Effect.void)
      },
      onEnd: (end) => {
        clearTimeout(overdue)
        const reason = Either.isLeft(end) ? end.left.message : "its proxy ended"
        resume(new SandboxStartError({ reason }))
        connection.end("its proxy to the outside has ended")
      }
    })
  })

/** Starts the proxy inside and serves it until the scope ends. */
export const serveOutbound = (
  connection: SandboxConnection,
  outbound: Outbound
): Effect.Effect<void, SandboxStartError, Scope.Scope> =>
  Effect.gen(function*() {
    const run = yield* FiberSet.makeRuntime()
    const ownTurn = makeTurns(1)
    let active = 0
    /** Called while frames are read, in their order: the agent may ask anew in the frame that follows. */
    const over = () => {
      active -= 1
    }
    const serve = (ask: Ask) =>
      dial(outbound, ownTurn, ask).pipe(
        Effect.catchAllDefect(() => notDialled),
        Effect.flatMap((socket) => accept(connection, ask, socket, over)),
        Effect.scoped,
        Effect.catchTag("Denial", (denial) => refuse(connection, ask, denial, over))
      )
    yield* listen(connection, (ask) => {
      active += 1
      if (active > mostConnections) connection.end("its agent asked for more connections than it may have")
      else run(serve(ask))
    })
  })
