/**
 * The fake behind a real socket: what a client meets when a server or the way to it is broken. `node:net` accepts, so
 * that connections can be left waiting before a byte is read; `node:http` reads requests; the faults write what they
 * like to the socket.
 */
import { Agb, type AgbClient, AgbConfig, type AgbServer } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { FetchHttpClient } from "@effect/platform"
import { Duration, Effect, Layer, type Scope } from "effect"
import * as Http from "node:http"
import * as Net from "node:net"
import type { Exchange } from "./exchange.js"
import { apiKey, type FakeAgb, type FakeOptions, make as makeFake } from "./fakeAgb.js"
import { type Answer, cut } from "./faults.js"

type Options = Partial<AgbConfig.AgbConfig.Options>

/** Any exchange behind a socket. */
export interface SocketServer {
  readonly endpoint: string
  readonly port: number
  /** Connections that were accepted so far. */
  readonly connections: () => number
  /** The headers of all requests so far. */
  readonly headers: ReadonlyArray<Http.IncomingHttpHeaders>
  /** What else they said. */
  readonly received: ReadonlyArray<AgbServer.HttpRequest>
  /** Leaves new connections waiting, until `admit`. */
  readonly park: Effect.Effect<void>
  readonly admit: Effect.Effect<void>
}

export interface FaultServer extends FakeAgb, SocketServer {
  /** The SDK of Node on this server: impatient, unless told otherwise. */
  readonly node: (options?: Options) => Layer.Layer<Agb.Agb | AgbClient.AgbClient>
  /** The same over the platform's client, which is made of `fetch`. */
  readonly fetch: (options?: Options) => Layer.Layer<Agb.Agb | AgbClient.AgbClient>
}

const read = (request: Http.IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")))
    request.on("error", reject)
  })

const respond = (response: Http.ServerResponse, socket: Net.Socket, answer: Answer): void => {
  if (answer === cut) socket.resetAndDestroy()
  else if ("write" in answer) answer.write(socket)
  else response.writeHead(answer.status, answer.headers).end(answer.body)
}

const impatient: Options = {
  timeout: "10 seconds",
  deleteBudget: "5 seconds",
  retry: { maxAttempts: 3, baseDelay: Duration.millis(1), maxDelay: Duration.millis(5) }
}

/** The door: a socket is either handed to the HTTP server or left waiting. */
const makeDoor = (http: Http.Server) => {
  const sockets = new Set<Net.Socket>()
  const waiting: Array<Net.Socket> = []
  let parked = false
  let connections = 0
  const enter = (socket: Net.Socket) => {
    http.emit("connection", socket)
    socket.resume()
  }
  const server = Net.createServer({ pauseOnConnect: true }, (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on("error", () => {})
    socket.once("close", () => sockets.delete(socket))
    if (parked) waiting.push(socket)
    else enter(socket)
  })
  return {
    server,
    connections: () => connections,
    park: Effect.sync(() => {
      parked = true
    }),
    admit: Effect.sync(() => {
      parked = false
      for (const socket of waiting.splice(0)) enter(socket)
    }),
    close: Effect.async<void>((resume) => {
      server.close(() => resume(Effect.void))
      for (const socket of sockets) socket.destroy()
    })
  }
}

const listen = (server: Net.Server): Effect.Effect<number> =>
  Effect.async((resume) => {
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as Net.AddressInfo).port)))
  })

/** Puts an exchange behind a socket on a free port of the loopback. */
export const listenWith = (exchange: Exchange["exchange"]): Effect.Effect<SocketServer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const headers: Array<Http.IncomingHttpHeaders> = []
    const received: Array<AgbServer.HttpRequest> = []
    const http = Http.createServer((request, response) => {
      headers.push(request.headers)
      const { socket } = request
      const url = new URL(request.url ?? "/", "http://fault.example")
      const answered = Effect.flatMap(Effect.promise(() => read(request)), (body) => {
        const message = { method: request.method ?? "", path: url.pathname, query: url.searchParams, body }
        received.push(message)
        return exchange(message)
      })
      Effect.runFork(Effect.ignore(Effect.map(answered, (answer) => respond(response, socket, answer))))
    })
    const door = makeDoor(http)
    const port = yield* Effect.acquireRelease(listen(door.server), () => door.close)
    const { admit, connections, park } = door
    return { endpoint: `http://127.0.0.1:${port}`, port, connections, headers, received, park, admit }
  })

export const make = (options: FakeOptions = {}): Effect.Effect<FaultServer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const fake = yield* makeFake(options)
    const server = yield* listenWith(fake.exchange)
    const configured = (config?: Options) => ({ ...impatient, apiKey, endpoint: server.endpoint, ...config })
    return {
      ...fake,
      ...server,
      node: (config) => Layer.orDie(NodeAgb.layer(configured(config))),
      fetch: (config) =>
        Agb.layer.pipe(
          Layer.provide(FetchHttpClient.layer),
          Layer.provide(Layer.orDie(AgbConfig.layer(configured(config))))
        )
    }
  })
