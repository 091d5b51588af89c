/** Memory of what is transferred: used again once it was sent, given back once it was read, and not before. */
import { Transport } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as Http from "node:http"
import { releaseBuffer } from "../../src/internal/node/releaseBuffer.js"

const pieceBytes = 2 ** 20
const pieces = 32

/** Receives slowly, one chunk in a pass of the event loop, and answers with the first byte of each piece. */
const receiveSlowly: Http.RequestListener = (request, reply) => {
  const firsts: Array<number> = []
  let size = 0
  request.on("data", (chunk: Buffer) => {
    for (let at = (pieceBytes - size % pieceBytes) % pieceBytes; at < chunk.length; at += pieceBytes) {
      firsts.push(chunk[at] ?? -1)
    }
    size += chunk.length
    request.pause()
    setImmediate(() => request.resume())
  })
  request.on("end", () => reply.end(JSON.stringify(firsts)))
}

const listen = (answer: Http.RequestListener) =>
  Effect.acquireRelease(
    Effect.async<{ readonly server: Http.Server; readonly url: string }>((resume) => {
      const server = Http.createServer(answer).listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed({ server, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/` }))
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

const transfer = (request: Transport.Transfer<never>) =>
  Effect.flatMap(Transport.Transport, ({ transfer }) => transfer?.(request) ?? Effect.dieMessage("no transfers"))

describe("what is transferred", () => {
  it.scopedLive("is not used again before it was sent", () =>
    Effect.gen(function*() {
      const { url } = yield* listen(receiveSlowly)
      const taken: Array<Uint8Array> = []
      const stream = Stream.map(Stream.range(1, pieces), (index) => new Uint8Array(pieceBytes).fill(index))
      const onTaken = (bytes: Uint8Array) => void taken.push(bytes.fill(255))
      const { body } = yield* transfer({
        method: "PUT",
        url,
        body: { _tag: "Stream", stream, size: pieceBytes * pieces, onTaken }
      })
      const reply = yield* Stream.mkString(Stream.decodeText(body))
      assert.strictEqual(reply, JSON.stringify(Array.from({ length: pieces }, (_, index) => index + 1)))
      assert.strictEqual(taken.length, pieces)
    }).pipe(Effect.provide(NodeAgb.layerTransport)))

  it.scopedLive("is given back when the reader says so", () =>
    Effect.gen(function*() {
      const { url } = yield* listen((_, reply) => void reply.end(Buffer.alloc(4 * pieceBytes, 1)))
      const { body, release } = yield* transfer({ method: "GET", url, body: undefined })
      let [sum, released] = [0, 0]
      yield* Stream.runForEach(body, (bytes) =>
        Effect.sync(() => {
          sum += bytes.reduce((sum, byte) => sum + byte, 0)
          release?.(bytes)
          if (bytes.length === 0) released += 1
        }))
      assert.strictEqual(sum, 4 * pieceBytes)
      assert.isAbove(released, 0)
    }).pipe(Effect.provide(NodeAgb.layerTransport)))
})

describe("memory that is given back", () => {
  it("is that of a whole buffer", () => {
    const whole = Buffer.alloc(65_536)
    releaseBuffer(whole)
    assert.strictEqual(whole.length, 0)
    assert.strictEqual(whole.buffer.byteLength, 0)
  })

  it("is none that others may use", () => {
    const [shared, small] = [Buffer.alloc(65_536, 1), Buffer.from("small")]
    for (const bytes of [shared.subarray(1), shared.subarray(0, 65_535), small]) {
      const before = Buffer.from(bytes)
      releaseBuffer(bytes)
      assert.isTrue(before.equals(bytes))
    }
  })
})
