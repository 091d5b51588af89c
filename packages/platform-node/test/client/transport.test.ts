/** The transport on a runtime whose undici has no dispatcher, as on Bun. */
import { Transport } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Stream } from "effect"
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

/** What a transfer sends and receives, the same over undici and over fetch. */
const transfers = [
  ["undici", NodeAgb.layerTransport],
  ["fetch", Transport.layerFetch]
] as const

const transfer = <E>(url: string, body?: Transport.Transfer<E>["body"]) =>
  Effect.flatMap(
    Transport.Transport,
    ({ transfer }) =>
      transfer<E>?.({ method: body === undefined ? "GET" : "PUT", url, body }) ?? Effect.dieMessage("none")
  )

const bytesOf = <E>(body: Stream.Stream<Uint8Array, E>) =>
  Effect.map(Stream.runCollect(body), (chunks) => Buffer.concat([...chunks]))

for (const [name, layer] of transfers) {
  describe(`A transfer over ${name}`, () => {
    const content = Buffer.alloc(300_000, "content ")
    const pieces = Stream.fromIterable([0, 1, 2]).pipe(
      Stream.map((n) => content.subarray(n * 100_000, (n + 1) * 100_000))
    )

    it.scopedLive("sends bytes and streams, without a key and a content type", () =>
      Effect.gen(function*() {
        const seen: Array<readonly [Http.IncomingHttpHeaders, Buffer]> = []
        const { origin } = yield* listen((request, reply) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk: Buffer) => chunks.push(chunk))
          request.on("end", () => {
            seen.push([request.headers, Buffer.concat(chunks)])
            reply.writeHead(200, { etag: "\"1\"" }).end()
          })
        })
        const bodies = [
          { _tag: "Bytes", bytes: content },
          { _tag: "Bytes", bytes: new Uint8Array() },
          { _tag: "Stream", stream: pieces, size: content.length },
          { _tag: "Stream", stream: pieces, size: undefined }
        ] as const
        for (const body of bodies) {
          const { headers, status } = yield* transfer<never>(`${origin}/a?signature=b`, body)
          assert.deepStrictEqual([status, headers["etag"]], [200, "\"1\""])
        }
        assert.deepStrictEqual(seen.map(([, bytes]) => bytes.equals(content)), [true, false, true, true])
        for (const [headers] of seen) {
          assert.notProperty(headers, "authorization")
          assert.notProperty(headers, "content-type")
        }
        const lengths = seen.map(([headers]) => headers["content-length"])
        assert.deepStrictEqual(lengths.slice(0, 2), ["300000", "0"])
        if (name === "undici") assert.deepStrictEqual(lengths.slice(2), ["300000", undefined])
      }).pipe(Effect.provide(layer)))

    it.scopedLive("follows no redirect", () =>
      Effect.gen(function*() {
        const paths: Array<string | undefined> = []
        const { origin } = yield* listen((request, reply) => {
          paths.push(request.url)
          reply.writeHead(307, { location: "/elsewhere" }).end()
        })
        assert.strictEqual((yield* transfer(`${origin}/first`)).status, 307)
        assert.deepStrictEqual(paths, ["/first"])
      }).pipe(Effect.provide(layer)))

    it.scopedLive("fails where the reply is cut off, and with the error of its own stream", () =>
      Effect.gen(function*() {
        const { origin } = yield* listen((request, reply) => {
          request.resume()
          if (request.method === "PUT") return
          reply.writeHead(200, { "content-length": 1000 })
          reply.write("half")
          setTimeout(() => reply.destroy(), 20)
        })
        const { body } = yield* transfer(`${origin}/a`)
        const error = yield* Effect.flip(bytesOf(body))
        assert.strictEqual(error.reason, "Interrupted")
        const broken = Stream.concat(Stream.make(content), Stream.fail("mine" as const))
        const mine = yield* Effect.flip(
          transfer(`${origin}/a`, { _tag: "Stream", stream: broken, size: undefined })
        )
        assert.strictEqual(mine, "mine")
      }).pipe(Effect.provide(layer)))

    it.scopedLive("closes its connection with the scope, and reads no more than is asked for", () =>
      Effect.gen(function*() {
        const closed = yield* Deferred.make<number>()
        const { origin } = yield* listen((_, reply) => {
          let sent = 0
          const chunk = Buffer.alloc(65_536)
          const more = () => {
            while (reply.write(chunk)) sent += chunk.length
          }
          reply.on("drain", more).on("close", () => Deferred.unsafeDone(closed, Exit.succeed(sent)))
          more()
        })
        yield* Effect.scoped(
          Effect.flatMap(transfer(`${origin}/endless`), ({ body, status }) => {
            assert.strictEqual(status, 200)
            return Stream.runDrain(Stream.take(body, 1))
          })
        )
        assert.isBelow(yield* Deferred.await(closed), 64 * 2 ** 20)
      }).pipe(Effect.provide(layer)))
  })
}
