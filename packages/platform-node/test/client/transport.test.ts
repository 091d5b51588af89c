/** The transport on a runtime whose undici has no dispatcher, as on Bun. */
import { Transport } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Http from "node:http"
import { Agent } from "undici"

/** Node's own fetch may use the dispatcher too, so it is away only while the transport is chosen. */
const withoutDispatcher = Effect.acquireRelease(
  Effect.sync(() => Object.defineProperty(Agent.prototype, "dispatch", { value: undefined, configurable: true })),
  () => Effect.sync(() => Reflect.deleteProperty(Agent.prototype, "dispatch"))
)

const listen = (answer: Http.RequestListener) =>
  Effect.acquireRelease(
    Effect.async<{ readonly server: Http.Server; readonly origin: string }>((resume) => {
      const server = Http.createServer(answer).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ server, origin: `http://127.0.0.1:${port}` }))
      })
    }),
    ({ server }) =>
      Effect.promise(() =>
        new Promise((resolve) => {
          server.close(resolve)
          server.closeAllConnections()
        })
      )
  )

const chosen = Layer.scopedContext(
  Effect.flatMap(
    Effect.scope,
    (scope) => Effect.scoped(Effect.zipRight(withoutDispatcher, Layer.buildWithScope(NodeAgb.layerTransport, scope)))
  )
)

const maxBytes = 1000

const exchange = (url: string, body?: string): Effect.Effect<Transport.Reply, Transport.ExchangeError> =>
  Transport.Transport.pipe(
    Effect.flatMap((transport) =>
      transport.exchange<never>({
        method: body === undefined ? "GET" : "POST",
        url,
        headers: { authorization: "akm-1" },
        body,
        maxBytes,
        onCancel: () => () => {}
      })
    ),
    Effect.provide(chosen)
  )

describe("The transport without undici's dispatcher", () => {
  it.scopedLive("sends a request and reads the reply over fetch", () =>
    Effect.gen(function*() {
      const { origin } = yield* listen((request, reply) => {
        request.setEncoding("utf8").on("data", (text) => {
          const { authorization, "sec-fetch-mode": mode } = request.headers
          reply.writeHead(418, { "x-seen": `${request.method} ${authorization} ${mode}` }).end(`${text} €`)
        })
      })
      const reply = yield* exchange(`${origin}/a`, "tea")
      assert.strictEqual(reply.status, 418)
      assert.strictEqual(reply.headers["x-seen"], "POST akm-1 cors", "which only fetch says")
      assert.strictEqual(reply.body, "tea €")
    }))

  it.scopedLive("follows no redirect, to which it would send the key", () =>
    Effect.gen(function*() {
      const paths: Array<string | undefined> = []
      const { origin } = yield* listen((request, reply) => {
        paths.push(request.url)
        reply.writeHead(request.url === "/first" ? 302 : 200, { location: "/elsewhere" }).end()
      })
      const reply = yield* exchange(`${origin}/first`)
      assert.strictEqual(reply.status, 302)
      assert.deepStrictEqual(paths, ["/first"])
    }))

  it.scopedLive("cuts off a reply that is too long", () =>
    Effect.gen(function*() {
      const { origin } = yield* listen((_, reply) => reply.end("x".repeat(2000)))
      const error = yield* Effect.flip(exchange(`${origin}/long`))
      assert.strictEqual(error.reason, "TooLarge")
    }))

  it.scopedLive("says that nothing was sent where nobody listens", () =>
    Effect.gen(function*() {
      const { origin } = yield* Effect.scoped(listen((_, reply) => reply.end()))
      const error = yield* Effect.flip(exchange(`${origin}/gone`))
      assert.strictEqual(error.reason, "Unreachable")
      assert.strictEqual(error.code, "ECONNREFUSED")
    }))
})
