/** The route of a session's files, and large transfers over it. */
import { Agb, AgbConfig, Session, Transfer } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { FetchHttpClient, FileSystem } from "@effect/platform"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith, serverLayer } from "../support/runtime.js"

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-route-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)

const inSession = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Session.make({ imageId: "a" }), (session) => Effect.provideService(self, Session.Session, session))

const mebibyte = 2 ** 20

const agbOverHttpClient = Layer.unwrapEffect(
  Effect.map(
    LocalAgb.LocalAgb,
    ({ apiKey, endpoint }) => Layer.provide(Agb.layer, Layer.orDie(AgbConfig.layer({ apiKey, endpoint })))
  )
)

/** A server whose files do not end. */
const endlessFiles: typeof fetch = (input, init) => {
  const { pathname } = new URL(input instanceof Request ? input.url : input)
  if (init?.method !== "GET" || !pathname.startsWith("/files/")) return fetch(input, init)
  const piece = new Uint8Array(100_000)
  return Promise.resolve(new Response(new ReadableStream({ pull: (controller) => controller.enqueue(piece) })))
}

describe.skipIf(process.platform !== "linux")("the route of files", () => {
  it.live("is open to the token of the session, and to nothing else", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* Session.make({ imageId: "a" }), yield* Session.make({ imageId: "a" })]
      const { client, sessionId } = one
      const tokenOf = (id: string) =>
        Effect.map(
          client.getSession({ sessionId: id }),
          ({ token }) => token === undefined ? "" : Redacted.value(token)
        )
      const [own, foreign] = [yield* tokenOf(sessionId), yield* tokenOf(other.sessionId)]
      const ask = (headers: Record<string, string>, query = "path=/tmp/a", init: RequestInit = {}) =>
        Effect.promise(() => fetch(`${client.config.endpoint}/files/${sessionId}?${query}`, { ...init, headers }))
      const status = (...args: Parameters<typeof ask>) => Effect.map(ask(...args), (reply) => reply.status)
      yield* one.fileSystem.writeFile("/tmp/a", "0123456789")
      const key = `Bearer ${Redacted.value(one.apiKey)}`
      for (
        const headers of [{}, { authorization: key }, { "x-access-token": foreign }, { "x-access-token": `${own}x` }]
      ) {
        assert.strictEqual(yield* status(headers), 401)
        assert.strictEqual(yield* status(headers, "path=/tmp/a", { method: "PUT", body: "changed" }), 401)
      }
      const token = { "x-access-token": own }
      assert.strictEqual(yield* status({ ...token, origin: "https://page.example" }), 403)
      const part = yield* ask(token, "path=/tmp/a&offset=2&length=3")
      assert.strictEqual(yield* Effect.promise(() => part.text()), "234")
      assert.deepInclude(Object.fromEntries(part.headers), {
        "content-length": "3",
        "x-file-size": "10",
        "x-file-mode": "644",
        "x-file-stable": "true"
      })
      assert.approximately(Number(part.headers.get("x-file-mtime")), Date.now(), 60_000)
      for (const query of ["path=a", "path=/tmp/a&offset=-1", "path=/tmp/a&length=x", "", "path=/tmp/%00"]) {
        assert.strictEqual(yield* status(token, query), 400, query)
      }
      for (const query of ["path=/tmp/a&mode=new", "path=/tmp/a&permissions=9"]) {
        assert.strictEqual(yield* status(token, query, { method: "PUT", body: "x" }), 400, query)
      }
      assert.strictEqual(yield* status(token, "path=/tmp/none"), 409)
      assert.strictEqual(yield* status(token, "path=/tmp/a", { method: "DELETE" }), 405)
      assert.strictEqual(yield* one.fileSystem.readFile("/tmp/a"), "0123456789")
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("serves any HTTP client of the platform", () =>
    Effect.gen(function*() {
      const { fileSystem } = yield* Session.make({ imageId: "a" })
      const bytes = new Uint8Array(3 * mebibyte).map((_, index) => index % 251)
      yield* fileSystem.writeFile("/tmp/bytes", bytes)
      yield* Stream.run(fileSystem.readFileStream("/tmp/bytes"), fileSystem.sink("/tmp/again"))
      assert.deepStrictEqual(yield* fileSystem.readFileBytes("/tmp/again"), bytes)
      const broken = Stream.concat(Stream.make(bytes), Stream.fail("broken" as const))
      assert.strictEqual(yield* Effect.flip(fileSystem.writeFile("/tmp/again", broken)), "broken")
      assert.deepStrictEqual(yield* fileSystem.readFileBytes("/tmp/again"), bytes)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provide(agbOverHttpClient, FetchHttpClient.layer)),
      Effect.provide(serverLayer())
    ))

  it.live("reads files without a size, and says why it reads no others", () =>
    Effect.gen(function*() {
      const { fileSystem } = yield* Session.make({ imageId: "a" })
      assert.match(yield* fileSystem.readFile("/proc/self/status"), /^Name:\t/)
      const directory = yield* Effect.flip(fileSystem.readFileBytes("/tmp"))
      assert.include(directory, { _tag: "FileError", reason: "IsDirectory", path: "/tmp" })
      assert.strictEqual((yield* Effect.flip(fileSystem.readFileBytes("/tmp/none")))._tag, "FileNotFoundError")
      yield* fileSystem.writeFile("/tmp/large", new Uint8Array(5 * mebibyte))
      const limited = yield* Effect.flip(fileSystem.readFileBytes("/tmp/large", { maxBytes: mebibyte }))
      assert.include(limited, { _tag: "LimitExceededError", limit: mebibyte })
      const range = { offset: 5 * mebibyte - 3, bytesToRead: 10 }
      assert.strictEqual((yield* Stream.runCollect(fileSystem.readFileStream("/tmp/large", range))).length, 1)
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("takes no more bytes than were announced", () =>
    Effect.gen(function*() {
      const { fileSystem } = yield* Session.make({ imageId: "a" })
      yield* fileSystem.writeFile("/tmp/bytes", new Uint8Array(mebibyte))
      const changed = { _tag: "FileError", reason: "Changed" } as const
      const some = Stream.take(fileSystem.readFileStream("/tmp/bytes"), 50)
      assert.deepInclude(yield* Effect.either(Stream.runDrain(some)), { _tag: "Left" })
      assert.include(yield* Effect.flip(Stream.runDrain(some)), changed)
      assert.include(yield* Effect.flip(fileSystem.readFileBytes("/tmp/bytes")), changed)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provide(agbOverHttpClient, FetchHttpClient.layer)),
      Effect.provideService(FetchHttpClient.Fetch, endlessFiles),
      Effect.provide(serverLayer())
    ))

  it.live("uploads no file that changes while it is read", () =>
    Effect.gen(function*() {
      const folder = yield* temporary
      const session = yield* Session.Session
      const files = yield* FileSystem.FileSystem
      const source = Path.join(folder, "source")
      const changing: FileSystem.FileSystem = {
        ...files,
        open: (path, options) =>
          Effect.tap(files.open(path, options), () => Effect.sync(() => Fs.appendFileSync(path, "more")))
      }
      for (const size of [10, 2 * mebibyte]) {
        Fs.writeFileSync(source, Buffer.alloc(size, "a"))
        const upload = Stream.runDrain(Transfer.upload(source, "/tmp/changed"))
        const error = yield* failsWith(Effect.provideService(upload, FileSystem.FileSystem, changing), "FileError")
        assert.include(error, { reason: "Changed", path: source })
        assert.isFalse(yield* session.fileSystem.exists("/tmp/changed"))
      }
    }).pipe(
      inSession,
      Effect.provide(NodeFileSystem.layer),
      Effect.scoped,
      Effect.provide(layerWith(best))
    ))

  it.live(
    "goes on with a large file where a transfer broke off, but not with other bytes",
    () =>
      Effect.gen(function*() {
        const session = yield* Session.Session
        const folder = yield* temporary
        const [source, copy] = [Path.join(folder, "source"), Path.join(folder, "copy")]
        const bytes = Buffer.alloc(70 * mebibyte, "0123456789abcde")
        Fs.writeFileSync(source, bytes)
        const { stdout } = yield* session.command.executeCommand("pwd")
        const remote = `${stdout.trim()}/large`
        const partly = (transfer: ReturnType<typeof Transfer.upload>, from: number) =>
          Stream.runDrain(Stream.takeUntil(transfer, (report) => report.bytes > from))
        yield* partly(Transfer.upload(source, remote), 40 * mebibyte)
        assert.isFalse(yield* session.fileSystem.exists(remote))
        const first = yield* Stream.runHead(Transfer.upload(source, remote))
        assert.isAtLeast(first._tag === "Some" ? first.value.bytes : 0, 32 * mebibyte)
        bytes.write("changed", 5)
        Fs.writeFileSync(source, bytes)
        yield* Stream.runDrain(Transfer.upload(source, remote, { verify: "checksum" }))
        yield* partly(Transfer.download(remote, copy), 40 * mebibyte)
        assert.isFalse(Fs.existsSync(copy))
        yield* Stream.runDrain(Transfer.download(remote, copy, { verify: "checksum" }))
        assert.isTrue(bytes.equals(Fs.readFileSync(copy)))
        assert.deepStrictEqual(Fs.readdirSync(folder).sort(), ["copy", "source"])
        const left = yield* session.command.executeCommand("ls -A")
        assert.strictEqual(left.stdout, "large\n")
      }).pipe(
        inSession,
        Effect.provide(NodeFileSystem.layer),
        Effect.scoped,
        Effect.provide(layerWith(best, { poolSize: 0, limits: { workspaceBytes: 512 * mebibyte } }))
      ),
    120_000
  )
})
