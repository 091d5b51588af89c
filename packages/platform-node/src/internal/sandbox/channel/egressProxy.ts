/**
 * The host side of the egress proxy. A sandbox without a network has a proxy in its agent, which requests each connection
 * here; this process dials and relays the bytes. Connections end with the sandbox.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { dial, type Egress, EgressError } from "../../egress/dial.js"
import { makeFifoSemaphore } from "../../fifoSemaphore.js"
import type { SandboxConnection } from "./connection.js"
import { type EgressEvent, SandboxStartError } from "./protocol.js"
import { openTunnel } from "./tunnel.js"

/** Port of the proxy on the loopback of a sandbox, where nothing else listens yet. */
export const proxyPort = 3128

/** Concurrent connections of one sandbox; its agent queues further ones. */
const maxConnections = 128

/** Idle timeout of a half-closed connection, in milliseconds. */
const halfClosedTimeout = 300_000

const startTimeout = 10_000

type ConnectRequest = Extract<EgressEvent, { readonly event: "connect" }>

/** Relays bytes until both directions have ended; where one breaks off, the other side is reset. */
const relay = (socket: Socket, tunnel: Duplex): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const fail = () => {
      socket.resetAndDestroy()
      tunnel.destroy()
    }
    let open = 2
    const streams = [[socket, tunnel], [tunnel, socket]] as const
    for (const [one, other] of streams) {
      one.on("error", fail)
      one.on("end", () => socket.setTimeout(halfClosedTimeout, fail))
      one.on("close", () => {
        if (!one.readableEnded || !one.writableFinished) fail()
        open -= 1
        if (open === 0) resume(Effect.void)
      })
      one.pipe(other)
    }
  })

const accept = (
  connection: SandboxConnection,
  { connection: number }: ConnectRequest,
  socket: Socket,
  onClose: () => void
) =>
  Effect.acquireUseRelease(
    Effect.sync(() => openTunnel(connection, { op: "accept", connection: number }, { onClose })),
    (tunnel) => relay(socket, tunnel),
    (tunnel) => Effect.sync(() => tunnel.destroy())
  )

/** The connection counts until the agent acknowledges the refusal, so that one that never does runs out of them. */
const refuse = (
  connection: SandboxConnection,
  { connection: number }: ConnectRequest,
  { message, reason }: EgressError,
  onClose: () => void
) =>
  Effect.sync(() => {
    connection.start({ op: "refuse", connection: number, reason, message }, undefined, { onEnd: onClose })
  })

/** For defects, such as running out of file descriptors. */
const dialFailed = new EgressError({ reason: "unreachable", message: "this machine could not make a connection" })

/** Starts the proxy in the sandbox; `onRequest` gets its connection requests from then on. */
const listen = (
  connection: SandboxConnection,
  onRequest: (request: ConnectRequest) => void
): Effect.Effect<void, SandboxStartError> =>
  Effect.async((resume) => {
    const timer = setTimeout(() => connection.end("its proxy did not listen in time"), startTimeout)
    const call = { op: "egress", port: proxyPort, connections: maxConnections } as const
    connection.start(call, undefined, {
      onEgress: (event) => {
        if (event.event === "connect") return onRequest(event)
        clearTimeout(timer)
        resume(Effect.void)
      },
      onEnd: (end) => {
        clearTimeout(timer)
        const reason = Either.isLeft(end) ? end.left.message : "its proxy ended"
        resume(new SandboxStartError({ reason }))
        connection.end("its proxy to the outside has ended")
      }
    })
  })

/** Starts the proxy in the sandbox and serves it until the scope ends. */
export const serveEgress = (
  connection: SandboxConnection,
  egress: Egress
): Effect.Effect<void, SandboxStartError, Scope.Scope> =>
  Effect.gen(function*() {
    const run = yield* FiberSet.makeRuntime()
    const lookups = makeFifoSemaphore(1)
    let active = 0
    // Called in the order of the frames: the next one may already be a new request.
    const onClose = () => {
      active -= 1
    }
    const serve = (request: ConnectRequest) =>
      dial(egress, lookups, request).pipe(
        Effect.catchAllDefect(() => dialFailed),
        Effect.flatMap((socket) => accept(connection, request, socket, onClose)),
        Effect.scoped,
        Effect.catchTag("EgressError", (error) => refuse(connection, request, error, onClose))
      )
    yield* listen(connection, (request) => {
      active += 1
      if (active > maxConnections) connection.end("its agent asked for more connections than it may have")
      else run(serve(request))
    })
  })
