/** Files that a server on this machine hands over, at every isolation: equal to those that travel over the network, and as safe. */
import { Session, Transfer, Transport } from "@effect-agb/core"
import type { AgbError } from "@effect-agb/core"
import { FileSystem } from "@effect/platform"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Metric, MetricState, Option, Stream } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith, runtimes } from "../support/runtime.js"

const mebibyte = 2 ** 20

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-handover-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)

interface Seen {
  /** Requests, as `PUT /open`. */
  readonly requests: Array<string>
  /** Bytes that went over the network. */
  bytes: number
  /** Files that were opened here. */
  opened: number
}

type Peer = Transport.Peer

const note = ({ requests }: Seen, { method, url }: { readonly method: string; readonly url: string }) => {
  const [, action] = /^\/files\/[\w-]+(.*)$/.exec(new URL(url).pathname) ?? []
  if (action !== undefined) requests.push(`${method} ${action}`.trim())
}

/** Sees what passes; `change` puts another server in the place of the one that is there. */
const watched = (seen: Seen, change: (peer: Peer) => Peer | undefined = (peer) => peer) =>
  Layer.succeed(Transport.Interceptor, (own: Transport.Transport.Service): Transport.Transport.Service => ({
    ...own,
    exchange: (exchange) => {
      note(seen, exchange)
      return own.exchange(exchange)
    },
    ...(own.transfer === undefined ? {} : {
      transfer: (transfer) => {
        note(seen, transfer)
        if (transfer.body?._tag === "Bytes") seen.bytes += transfer.body.bytes.length
        return Effect.map(own.transfer!(transfer), (reply) => ({
          ...reply,
          body: Stream.tap(reply.body, (piece) => Effect.sync(() => seen.bytes += piece.length))
        }))
      }
    }),
    peer: (endpoint) => {
      const peer = own.peer?.(endpoint)
      return peer && change({
        ticket: (sessionId) =>
          Effect.map(
            peer.ticket(sessionId),
            Option.map((ticket) => ({
              ...ticket,
              open: (headers, access) =>
                Effect.tap(ticket.open(headers, access), (file) => {
                  if (Option.isSome(file)) seen.opened++
                })
            }))
          )
      })
    }
  }))

const makeSeen = (): Seen => ({ requests: [], bytes: 0, opened: 0 })

const home = Effect.flatMap(
  Session.Session,
  ({ command }) => Effect.map(command.executeCommand("pwd"), ({ stdout }) => stdout.trim())
)

const left = Effect.flatMap(
  Session.Session,
  ({ command }) => Effect.map(command.executeCommand("ls -A"), ({ stdout }) => stdout.split("\n").filter(Boolean))
)

const bytesOf = (size: number) => new Uint8Array(size).map((_, index) => index * 7 + (index >> 8))

const digest = (path: string) =>
  Effect.flatMap(
    Session.Session,
    ({ command }) => Effect.map(command.executeCommand(`sha256sum <'${path}'`), ({ stdout }) => stdout.slice(0, 64))
  )

const sha256 = (bytes: Uint8Array) =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new Uint8Array(bytes))),
    (hash) => Buffer.from(hash).toString("hex")
  )

/** Descriptors of this process that lead to files of sessions. */
const heldHere = () =>
  Fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const place = Fs.readlinkSync(`/proc/self/fd/${fd}`)
      return /\.agb-part-|handed/.test(place) ? [place] : []
    } catch {
      return []
    }
  })

/** What the metric of written bytes has counted. */
const written = () =>
  Metric.unsafeSnapshot().reduce(
    (sum, { metricKey, metricState }) =>
      metricKey.name === "agb_bytes_written" && MetricState.isCounterState(metricState)
        ? sum + Number(metricState.count)
        : sum,
    0
  )

const sizes = [131_072, mebibyte, 5 * mebibyte + 3]

const inSession = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Session.make({ imageId: "a" }), (session) => Effect.provideService(self, Session.Session, session))

describe.skipIf(process.platform !== "linux")("files that are handed over", () => {
  describe.each(runtimes)("$name", ({ isolation }) => {
    it.scopedLive("are the same bytes, of which none goes over the network", () => {
      const seen = makeSeen()
      return Effect.gen(function*() {
        const { fileSystem } = yield* Session.Session
        const folder = yield* temporary
        const place = `${yield* home}/handed`
        const [source, copy] = [Path.join(folder, "source"), Path.join(folder, "copy")]
        for (const size of sizes) {
          const bytes = bytesOf(size)
          yield* fileSystem.writeFile(place, bytes, { permissions: 0o640 })
          assert.strictEqual(yield* digest(place), yield* sha256(bytes))
          assert.isTrue(Buffer.from(yield* fileSystem.readFileBytes(place)).equals(bytes))
          assert.strictEqual(Option.getOrUndefined((yield* fileSystem.stat(place)).mode)! & 0o777, 0o640)
          Fs.writeFileSync(source, bytes, { mode: 0o604 })
          yield* Stream.runDrain(Transfer.upload(source, `${place}-up`, { verify: "checksum" }))
          yield* Stream.runDrain(Transfer.download(`${place}-up`, copy, { verify: "checksum" }))
          assert.isTrue(Fs.readFileSync(copy).equals(bytes))
          assert.strictEqual(Fs.statSync(copy).mode & 0o777, 0o604)
        }
        const range = { offset: mebibyte - 5, bytesToRead: 2 * mebibyte }
        const parts = yield* Stream.runCollect(fileSystem.readFileStream(place, range))
        assert.isTrue(
          Buffer.concat([...parts]).equals(bytesOf(sizes[2]!).subarray(range.offset, range.offset + range.bytesToRead))
        )
        assert.isBelow(seen.bytes, 131_072)
        assert.strictEqual(seen.opened, 4 * sizes.length + 1)
        assert.notInclude(seen.requests, "PUT")
        assert.sameMembers(yield* left, ["handed", "handed-up"])
      }).pipe(
        inSession,
        Effect.provide(layerWith(isolation)),
        Effect.provide(watched(seen)),
        Effect.provide(NodeFileSystem.layer)
      )
    })

    it.scopedLive("are written in every mode, and fail in the same words as over the network", () => {
      const outcomes = (change?: (peer: Peer) => Peer | undefined) => {
        const seen = makeSeen()
        return Effect.gen(function*() {
          const { command, fileSystem } = yield* Session.Session
          const folder = yield* home
          const bytes = bytesOf(200_000)
          const told: Array<unknown> = []
          const tell = <A>(name: string, effect: Effect.Effect<A, AgbError.AgbError | "broken">) =>
            Effect.map(Effect.either(effect), (end) => {
              if (end._tag === "Right") return told.push([name, "done"])
              if (typeof end.left === "string") return told.push([name, end.left])
              const { _tag, message, mayHaveHappened } = end.left
              told.push([name, _tag, message.replace(/ \(request [^)]*\)/, ""), mayHaveHappened])
            })
          yield* command.executeCommand("mkdir -p folder && echo old >there && ln -s there link && mkfifo fifo")
          yield* tell("missing", fileSystem.writeFile(`${folder}/no/file`, bytes))
          yield* tell("folder", fileSystem.writeFile(`${folder}/folder`, bytes))
          yield* tell("fifo", fileSystem.writeFile(`${folder}/fifo`, bytes))
          yield* tell("new", fileSystem.writeFile(`${folder}/there`, bytes, { mode: "create_new" }))
          yield* tell("append", fileSystem.writeFile(`${folder}/link`, bytes, { mode: "append" }))
          yield* tell(
            "broken",
            fileSystem.writeFile(
              `${folder}/there`,
              Stream.concat(Stream.make(bytes, bytes), Stream.fail("broken" as const)),
              { mode: "append" }
            )
          )
          yield* tell(
            "interrupted",
            Effect.map(
              Effect.timeoutOption(
                fileSystem.writeFile(`${folder}/never`, Stream.concat(Stream.make(bytes), Stream.never)),
                "200 millis"
              ),
              Option.isNone
            )
          )
          yield* tell("large", fileSystem.writeFile(`${folder}/large`, new Uint8Array(66 * mebibyte)))
          yield* tell("missing", fileSystem.readFileBytes(`${folder}/none`))
          yield* tell("limit", fileSystem.readFileBytes(`${folder}/there`, { maxBytes: 1000 }))
          yield* tell("directory", fileSystem.readFileBytes(`${folder}/folder`))
          const { stdout } = yield* command.executeCommand("wc -c <there; ls -A; test -L link && echo link")
          return { told, stdout, opened: seen.opened }
        }).pipe(
          inSession,
          Effect.scoped,
          Effect.provide(layerWith(isolation)),
          Effect.provide(watched(seen, change))
        )
      }
      return Effect.gen(function*() {
        const handed = yield* outcomes()
        const network = yield* outcomes(() => undefined)
        const withoutFolder = (text: string) => text.replaceAll(/\/\S*agb-session-\w+/g, "")
        assert.deepStrictEqual(
          JSON.parse(withoutFolder(JSON.stringify(handed.told))),
          JSON.parse(withoutFolder(JSON.stringify(network.told)))
        )
        assert.strictEqual(handed.stdout, network.stdout)
        assert.isAbove(handed.opened, 3)
        assert.strictEqual(network.opened, 0)
      })
    })
  })

  it.scopedLive("are nobody's business before a file is large enough, and the proof is asked for once", () => {
    const seen = makeSeen()
    const before = Fs.readdirSync(Os.tmpdir()).filter((name) => name.startsWith(".agb-proof-"))
    return Effect.gen(function*() {
      const { fileSystem } = yield* Session.Session
      yield* fileSystem.writeFile("/tmp/small", new Uint8Array(100_000))
      assert.deepStrictEqual(seen.requests, ["PUT"])
      yield* fileSystem.readFileBytes("/tmp/small")
      assert.strictEqual(seen.opened, 0)
      for (let count = 0; count < 3; count++) yield* fileSystem.writeFile("/tmp/large", new Uint8Array(mebibyte))
      assert.deepStrictEqual(seen.requests.slice(2), Array(3).fill(["POST /open", "POST /commit"]).flat())
      assert.deepStrictEqual(Fs.readdirSync(Os.tmpdir()).filter((name) => name.startsWith(".agb-proof-")), before)
    }).pipe(inSession, Effect.provide(layerWith(best)), Effect.provide(watched(seen)))
  })

  it.scopedLive("go over the network after one attempt where they cannot be opened here", () => {
    const seen = makeSeen()
    const elsewhere = (peer: Peer): Peer => ({
      ticket: (sessionId) =>
        Effect.map(
          peer.ticket(sessionId),
          Option.map((ticket) => ({ ...ticket, open: () => Effect.succeedNone }))
        )
    })
    return Effect.gen(function*() {
      const { fileSystem } = yield* Session.Session
      const bytes = bytesOf(mebibyte)
      for (let count = 0; count < 2; count++) {
        yield* fileSystem.writeFile("/tmp/large", bytes)
        assert.isTrue(Buffer.from(yield* fileSystem.readFileBytes("/tmp/large")).equals(bytes))
      }
      assert.deepStrictEqual(seen.requests, ["POST /open", "POST /close", "PUT", "GET", "PUT", "GET"])
      assert.deepStrictEqual((yield* fileSystem.listDirectory("/tmp")).map(({ name }) => name), ["large"])
    }).pipe(inSession, Effect.provide(layerWith(best)), Effect.provide(watched(seen, elsewhere)))
  })

  it.scopedLive("are not held by the server after they were read, written or given up, nor after the session", () =>
    Effect.gen(function*() {
      const { fileSystem } = yield* Session.Session
      const bytes = bytesOf(mebibyte)
      yield* fileSystem.writeFile("/tmp/handed", bytes)
      yield* Effect.timeoutOption(
        fileSystem.writeFile("/tmp/handed-never", Stream.concat(Stream.make(bytes), Stream.never)),
        "100 millis"
      )
      while (heldHere().length > 0) yield* Effect.sleep("5 millis")
      yield* fileSystem.readFileBytes("/tmp/handed")
      yield* Stream.runDrain(Stream.take(fileSystem.readFileStream("/tmp/handed"), 1))
      const never = Stream.concat(Stream.make(bytes), Stream.never)
      yield* Effect.forkScoped(Effect.ignore(fileSystem.writeFile("/tmp/handed-last", never)))
      while (!heldHere().some((place) => place.includes(".agb-part-"))) yield* Effect.sleep("5 millis")
    }).pipe(
      inSession,
      Effect.scoped,
      Effect.provide(layerWith(best)),
      Effect.zipRight(Effect.sync(() => assert.deepStrictEqual(heldHere(), [])))
    ))

  it.scopedLive("leave nothing where the program was interrupted before it knew that they were open", () =>
    Effect.gen(function*() {
      const opened = yield* Deferred.make<void>()
      const late = Layer.succeed(Transport.Interceptor, (own: Transport.Transport.Service) => ({
        ...own,
        exchange: <E>(request: Transport.Exchange<E>) =>
          request.url.includes("/open?")
            ? Effect.tap(
              own.exchange(request),
              () => Effect.zipRight(Deferred.succeed(opened, undefined), Effect.sleep("300 millis"))
            )
            : own.exchange(request)
      }))
      yield* Effect.gen(function*() {
        const { fileSystem } = yield* Session.Session
        const writing = yield* Effect.fork(fileSystem.writeFile("/tmp/late", new Uint8Array(mebibyte)))
        yield* Deferred.await(opened)
        yield* Fiber.interrupt(writing)
        const names = Effect.map(fileSystem.listDirectory("/tmp"), (entries) => entries.map(({ name }) => name))
        const isEmpty = (found: ReadonlyArray<string>) => found.length === 0
        const found = Effect.repeat(Effect.delay(names, "50 millis"), { until: isEmpty, times: 100 })
        assert.deepStrictEqual(yield* found, [])
      }).pipe(inSession, Effect.provide(layerWith(best)), Effect.provide(late))
    }))

  it.scopedLive("are opened while a file of this machine is read, and given up where that changed", () => {
    const seen = makeSeen()
    let isChanging = true
    const reading = Layer.effect(
      FileSystem.FileSystem,
      Effect.map(FileSystem.FileSystem, (files) => ({
        ...files,
        open: (path: string, options?: FileSystem.OpenFileOptions) =>
          Effect.repeat(Effect.sleep("5 millis"), { until: () => seen.requests.includes("POST /open"), times: 400 })
            .pipe(
              Effect.tap(() => isChanging ? files.writeFileString(path, "more", { flag: "a" }) : Effect.void),
              Effect.zipRight(files.open(path, options))
            )
      }))
    ).pipe(Layer.provide(NodeFileSystem.layer))
    return Effect.gen(function*() {
      const { fileSystem } = yield* Session.Session
      const source = Path.join(yield* temporary, "source")
      Fs.writeFileSync(source, bytesOf(mebibyte))
      const upload = Stream.runDrain(Transfer.upload(source, "/tmp/up"))
      assert.include(yield* failsWith(upload, "FileError"), { reason: "Changed", path: source })
      assert.deepStrictEqual(seen.requests, ["POST /open", "POST /close"])
      assert.deepStrictEqual(yield* fileSystem.listDirectory("/tmp"), [])
      isChanging = false
      const before = written()
      yield* upload
      assert.strictEqual(written() - before, mebibyte + 4)
      assert.deepStrictEqual(seen.requests.slice(2), ["POST /open", "POST /commit"])
    }).pipe(inSession, Effect.provide(layerWith(best)), Effect.provide(watched(seen)), Effect.provide(reading))
  })

  it.scopedLive("many at a time are all written, those beyond a number over the network", () => {
    const seen = makeSeen()
    return Effect.gen(function*() {
      const { command, fileSystem } = yield* Session.Session
      const bytes = bytesOf(131_072)
      const names = Array.from({ length: 70 }, (_, index) => `/tmp/file-${index}`)
      const all = Effect.repeat(Effect.sleep("5 millis"), {
        until: () => seen.opened + seen.requests.filter((request) => request === "PUT").length === names.length
      })
      const held = Stream.concat(Stream.make(bytes), Stream.fromEffect(Effect.as(all, bytes)))
      yield* Effect.forEach(names, (name) => fileSystem.writeFile(name, held), { concurrency: "unbounded" })
      const { stdout } = yield* command.executeCommand("cat /tmp/file-* | wc -c")
      assert.strictEqual(Number(stdout), 70 * 2 * bytes.length)
      assert.strictEqual(seen.opened, 64)
      yield* fileSystem.writeFile("/tmp/later", new Uint8Array(mebibyte))
      assert.strictEqual(seen.opened, 65)
    }).pipe(inSession, Effect.provide(layerWith(best)), Effect.provide(watched(seen)))
  })

  it.scopedLive("have no more room than the session has", () =>
    Effect.gen(function*() {
      const { command, fileSystem } = yield* Session.Session
      yield* command.executeCommand("head -c 60000000 /dev/zero >/tmp/most")
      const full = yield* failsWith(fileSystem.writeFile("/tmp/more", new Uint8Array(8 * mebibyte)), "FileError")
      assert.include(full.message, "ENOSPC: No space left on device: /tmp/more")
      assert.deepStrictEqual((yield* fileSystem.listDirectory("/tmp")).map(({ name }) => name), ["most"])
    }).pipe(inSession, Effect.provide(layerWith(best))))
})
