/** What a taken-over agent, another user's server and a stranger could try where files are handed over, and what is refused. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck as fc, Option } from "effect"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest"
import { makeChallenge, readChallenge, removeChallenge } from "../../src/internal/node/handover/challenge.js"
import {
  decodeDescriptor,
  decodeKey,
  decodeTicket,
  encodeDescriptor,
  encodeKey,
  encodeTicket,
  type Occasion
} from "../../src/internal/node/handover/descriptor.js"
import { authorityOf, makePeers } from "../../src/internal/node/handover/peers.js"
import { openShared } from "../../src/internal/node/handover/sharedFile.js"
import type { HandedWriter } from "../../src/internal/sandbox/channel/fileStreams.js"
import { SandboxFailure } from "../../src/internal/sandbox/channel/protocol.js"
import { makeOffers, mountedDevices } from "../../src/internal/sandbox/process/offeredFile.js"
import type { Sandbox } from "../../src/internal/sandbox/sandbox.js"
import { HandedFiles } from "../../src/internal/server/sessions/handedFiles.js"
import { HandoverKeys } from "../../src/internal/server/sessions/handoverKeys.js"

const occasion: Occasion = {
  secret: Buffer.alloc(32, 7),
  authority: "127.0.0.1:1234",
  sessionId: "s-1",
  nonce: "0".repeat(32)
}

/** Each differs from the occasion in one thing. */
const others: ReadonlyArray<Occasion> = [
  { ...occasion, secret: Buffer.alloc(32, 8) },
  { ...occasion, authority: "127.0.0.1:1235" },
  { ...occasion, sessionId: "s-2" },
  { ...occasion, nonce: "1".repeat(32) }
]

describe.skipIf(process.platform !== "linux")("files that are handed over", () => {
  let folder = ""
  let agent: ChildProcess
  const at = (name: string) => Path.join(folder, name)

  /** Holds a descriptor for each of these, from 10 on. */
  const held = ["own/file", "foreign", "own/fifo", "own/folder", "/dev/null", "own/link", "own-not/file"]

  beforeAll(async () => {
    folder = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-offered-")))
    for (const name of ["own", "own/folder", "own-not"]) Fs.mkdirSync(at(name))
    for (const name of ["own/file", "foreign", "own-not/file"]) Fs.writeFileSync(at(name), name)
    Fs.symlinkSync(at("foreign"), at("own/link"))
    execFileSync("mkfifo", [at("own/fifo")])
    const opens = held.map((name, index) =>
      `exec ${10 + index}<>${name.includes("folder") ? "/dev/null" : `'${Path.resolve(folder, name)}'`}`
    )
    opens[3] = `exec 13<'${at("own/folder")}'`
    agent = spawn("/bin/bash", ["-c", `${opens.join("\n")}\necho ready; read line`], {
      stdio: ["pipe", "pipe", "inherit"]
    })
    await new Promise((resolve) => agent.stdout?.once("data", resolve))
  })

  afterAll(() => {
    agent.kill("SIGKILL")
    Fs.rmSync(folder, { recursive: true, force: true })
  })

  const offers = () => makeOffers(agent.pid ?? 0, agent.pid, { _tag: "Folders", paths: [at("own")] })

  it("are opened by the server if they are the session's own, and regular", () => {
    const open = offers()
    const found = held.map((_, index) => {
      const file = open(10 + index)
      if (file === undefined) return undefined
      const { ino } = Fs.fstatSync(file.fd, { bigint: true })
      Fs.closeSync(file.fd)
      return ino === file.inode
    })
    assert.deepStrictEqual(found, [true, undefined, undefined, undefined, undefined, undefined, undefined])
    assert.isUndefined(open(99))
    assert.isUndefined(makeOffers(agent.pid ?? 0, 1, { _tag: "Folders", paths: [at("own")] })(10))
    assert.isUndefined(makeOffers(agent.pid ?? 0, undefined, { _tag: "Folders", paths: [at("own")] })(10))
    assert.isUndefined(makeOffers(agent.pid ?? 0, agent.pid, { _tag: "Mounts", paths: ["/", "/tmp", folder] })(10))
  })

  it("are not opened for reading or writing by the server: what is done with them is the client's", () => {
    const file = offers()(10)
    assert.isDefined(file)
    assert.throws(() => Fs.readSync(file.fd, Buffer.alloc(1)), /EBADF/)
    assert.throws(() => Fs.writeSync(file.fd, "x"), /EBADF/)
    Fs.closeSync(file.fd)
  })

  it("lie on mounts of the session, which are in memory", () => {
    const line = (device: string, path: string, type: string) =>
      `36 35 ${device} / ${path} rw,nosuid master:1 - ${type} source rw`
    const text = [
      line("0:300", "/tmp", "tmpfs"),
      line("8:1", "/home", "ext4"),
      line("0:41", "/usr", "tmpfs"),
      line("4100:70000", "/home", "tmpfs"),
      "rubbish"
    ].join("\n")
    const [first, second, ...more] = mountedDevices(text, ["/tmp", "/home"])
    assert.deepStrictEqual(more, [])
    assert.strictEqual(first, 0x10002cn)
    assert.strictEqual(second, (4n << 8n) | (4096n << 32n) | 0x70n | (0x111n << 20n))
    const [shared, stat] = ["/dev/shm", Fs.statSync("/dev/shm", { bigint: true, throwIfNoEntry: false })]
    const own = mountedDevices(Fs.readFileSync("/proc/self/mountinfo", "utf8"), [shared])
    assert.isTrue(own.size === 0 || stat !== undefined && own.has(stat.dev))
  })

  it("are opened by the client if they are what the server has vouched for", () => {
    const fd = Fs.openSync(at("own/file"), "r")
    const { dev, ino } = Fs.fstatSync(fd, { bigint: true })
    const pipe = Fs.openSync(at("own/fifo"), "r+")
    const fifo = Fs.fstatSync(pipe, { bigint: true })
    const file = { pid: process.pid, fd, device: dev, inode: ino, limit: 100 }
    const shared = openShared(file, "read")
    assert.strictEqual(shared?.file.size, 8)
    shared?.close()
    assert.isUndefined(openShared({ ...file, inode: ino + 1n }, "read"))
    assert.isUndefined(openShared({ ...file, device: dev + 1n }, "write"))
    assert.isUndefined(openShared({ ...file, fd: 9999 }, "write"))
    assert.isUndefined(openShared({ ...file, pid: 2 ** 30 }, "read"))
    assert.isUndefined(openShared({ ...file, fd: pipe, device: fifo.dev, inode: fifo.ino }, "read"))
    assert.strictEqual(Fs.readFileSync(at("own/file"), "utf8"), "own/file")
    for (const open of [fd, pipe]) Fs.closeSync(open)
  })

  it("have at most the bytes that the session may have", async () => {
    const fd = Fs.openSync(at("own/file"), "r")
    const { dev, ino } = Fs.fstatSync(fd, { bigint: true })
    const shared = openShared({ pid: process.pid, fd, device: dev, inode: ino, limit: 10 }, "append")
    const end = await Effect.runPromise(Effect.either(shared!.file.write(new Uint8Array(3), 0)))
    assert.isTrue(end._tag === "Left" && end.left.code === "EFBIG")
    assert.strictEqual(Fs.readFileSync(at("own/file"), "utf8"), "own/file")
    shared?.close()
    Fs.closeSync(fd)
  })

  it("are signed for one session, one ticket and one address", () => {
    const file = { pid: 5, fd: 6, device: 7n, inode: 2n ** 63n, limit: 9 }
    const text = encodeDescriptor(occasion, file)
    const key = encodeKey(occasion, "a".repeat(32))
    assert.deepStrictEqual(decodeDescriptor(occasion, text), file)
    assert.strictEqual(decodeKey(occasion, key), "a".repeat(32))
    for (const other of others) {
      assert.isUndefined(decodeDescriptor(other, text))
      assert.isUndefined(decodeKey(other, key))
    }
    for (
      const changed of [
        "",
        text.replace("5 6", "5 7"),
        text.slice(0, -1),
        `${text}0`,
        text.replace(/ \w+$/, ` ${"0".repeat(64)}`)
      ]
    ) {
      assert.isUndefined(decodeDescriptor(occasion, changed))
    }
  })

  it("are asked for with a ticket that says what it says, whatever the folder is called", () => {
    const hex = fc.stringMatching(/^[0-9a-f]{32}$/)
    const from = fc.oneof(
      fc.record({ _tag: fc.constant("Key" as const), key: hex }),
      fc.record({
        _tag: fc.constant("File" as const),
        path: fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 })
      })
    )
    fc.assert(fc.property(hex, from, (nonce, from) => {
      const text = encodeTicket({ nonce, from })
      assert.match(text, /^[\x21-\x7e ]+$/)
      assert.deepStrictEqual(decodeTicket(text), { nonce, from })
    }))
    fc.assert(fc.property(fc.string(), (text) => {
      const ticket = decodeTicket(text)
      assert.isTrue(ticket === undefined || encodeTicket(ticket).length > 0)
    }))
  })

  it("are handed over to nobody who has not made a file that only this user can read", () => {
    const challenge = makeChallenge()
    const { path } = challenge
    assert.deepStrictEqual(readChallenge(path), challenge.secret)
    const link = Path.join(folder, `.agb-proof-${"a".repeat(32)}`)
    Fs.symlinkSync(path, link)
    assert.isUndefined(readChallenge(link))
    Fs.rmSync(link)
    Fs.linkSync(path, Path.join(Path.dirname(path), `${Path.basename(path)}-2`))
    assert.isUndefined(readChallenge(path))
    Fs.rmSync(`${path}-2`)
    Fs.chmodSync(path, 0o640)
    assert.isUndefined(readChallenge(path))
    Fs.chmodSync(path, 0o600)
    Fs.appendFileSync(path, "x")
    assert.isUndefined(readChallenge(path))
    const named = at("own/secret")
    Fs.writeFileSync(named, challenge.secret, { mode: 0o600 })
    assert.isUndefined(readChallenge(named))
    execFileSync("mkfifo", ["-m", "600", link])
    assert.isUndefined(readChallenge(link))
    removeChallenge(challenge.path)
    assert.isUndefined(readChallenge(path))
    assert.isFalse(Fs.existsSync(path))
  })

  it.skipIf(process.getuid?.() !== 0)("are handed over to no other user", () => {
    const challenge = makeChallenge()
    Fs.chownSync(challenge.path, 65_534, 65_534)
    assert.isUndefined(readChallenge(challenge.path))
    removeChallenge(challenge.path)
  })

  it("are those of servers that are reached by a number of the loopback interface", () => {
    assert.strictEqual(authorityOf("http://127.0.0.1:80/"), "127.0.0.1:80")
    assert.strictEqual(authorityOf("http://[::1]:8080"), "[::1]:8080")
    for (
      const endpoint of [
        "http://localhost:80",
        "https://127.0.0.1:80",
        "http://127.0.0.1",
        "http://127.0.0.2:80",
        "http://127.0.0.1:80@host"
      ]
    ) {
      assert.isUndefined(authorityOf(endpoint))
      assert.isUndefined(makePeers()(endpoint))
    }
  })

  it.effect("are opened once the server has proven itself, and only with what it has proven", () =>
    Effect.gen(function*() {
      const authority = "127.0.0.1:4321"
      const peer = makePeers()(`http://${authority}`)!
      const fd = Fs.openSync(at("own/file"), "r")
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.closeSync(fd)))
      const { dev, ino } = Fs.fstatSync(fd, { bigint: true })
      const file = { pid: process.pid, fd, device: dev, inode: ino, limit: 100 }
      const keys = new HandoverKeys()
      const ask = (session: string, reached: string, server = keys) =>
        Effect.scoped(Effect.flatMap(peer.ticket(session), (ticket) => {
          const { header, open } = Option.getOrThrow(ticket)
          const { grant, key } = server.admit(header, reached, "s-1")
          const headers = { "x-file-descriptor": grant?.descriptor(file), "x-file-key": key }
          return Effect.map(open(headers, "read"), (found) => ({ header, key, isOpened: Option.isSome(found) }))
        }))
      assert.include(yield* ask("s-1", "127.0.0.1:9999"), { isOpened: false })
      assert.include(yield* ask("s-2", authority), { isOpened: false })
      const first = yield* ask("s-1", authority)
      assert.match(first.header, /^\w+ file /)
      assert.isTrue(first.isOpened)
      const second = yield* ask("s-1", authority)
      assert.match(second.header, /^\w+ key /)
      assert.isTrue(second.isOpened)
      const restarted = new HandoverKeys()
      assert.include(yield* ask("s-1", authority, restarted), { isOpened: false, key: "unknown" })
      const third = yield* ask("s-1", authority, restarted)
      assert.match(third.header, /^\w+ file /)
      assert.isTrue(third.isOpened)
      assert.isUndefined(keys.admit("nonsense", authority, "s-1").grant)
      assert.isUndefined(keys.admit(`${"0".repeat(32)} file %2Fetc%2Fpasswd`, authority, "s-1").grant)
    }).pipe(Effect.scoped))

  describe("that nobody goes on with", () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] }))
    afterEach(() => void vi.useRealTimers())

    const world = () => {
      const writers: Array<HandedWriter> = []
      const log: Array<string> = []
      const sandbox: Pick<Sandbox, "handWrite" | "openOffered" | "largestFile"> = {
        largestFile: 100,
        openOffered: () => {
          const fd = Fs.openSync(at("own/file"), "r")
          const { dev, ino } = Fs.fstatSync(fd, { bigint: true })
          return { fd, device: dev, inode: ino }
        },
        handWrite: (_, writer) => {
          writers.push(writer)
          return {
            commit: (bytes) => void log.push(`commit ${bytes}`),
            giveUp: () => void log.push("give up"),
            cancel: () => void log.push("cancel")
          }
        }
      }
      const handed = new HandedFiles(sandbox as Sandbox)
      const write = () => {
        const opened: Array<number> = []
        const ids: Array<string> = []
        const end = Effect.runPromise(Effect.flip(handed.writing({ path: "/a", mode: "overwrite" }, (file) => {
          opened.push(file?.file.fd ?? -1)
          ids.push(file?.id ?? "")
        })))
        writers.at(-1)?.onOffer(5)
        return { end, fd: opened[0] ?? -1, id: ids[0] ?? "" }
      }
      return { handed, log, write, writers }
    }

    const isOpen = (fd: number) => Fs.existsSync(`/proc/self/fd/${fd}`)

    it("are given up when nothing was written for a minute", async () => {
      const { log, write } = world()
      const { end, fd } = write()
      vi.advanceTimersByTime(60_000)
      Fs.appendFileSync(at("own/file"), "x")
      vi.advanceTimersByTime(60_000)
      assert.deepStrictEqual({ log, isOpen: isOpen(fd) }, { log: [], isOpen: true })
      vi.advanceTimersByTime(60_000)
      assert.deepStrictEqual({ log, isOpen: isOpen(fd) }, { log: ["cancel"], isOpen: false })
      assert.include(await end, { status: 408 })
    })

    it("are closed after they could have been opened, when very many follow, and with the session", () => {
      const { handed } = world()
      const read = () => handed.reading(5)?.fd ?? -1
      const first = read()
      vi.advanceTimersByTime(9000)
      assert.isTrue(isOpen(first))
      vi.advanceTimersByTime(2000)
      assert.isFalse(isOpen(first))
      const many = Array.from({ length: 65 }, read)
      assert.deepStrictEqual(many.map(isOpen), [false, ...Array<boolean>(64).fill(true)])
      handed.closeAll()
      assert.isFalse(many.some(isOpen))
    })

    it("are given up by their client once the agent has left nothing of them", async () => {
      const { handed, log, write, writers } = world()
      const { end, fd, id } = write()
      let isGivenUp = false
      const given = Effect.runPromise(handed.giveUp(id)).then(() => isGivenUp = true)
      await new Promise(setImmediate)
      assert.deepStrictEqual({ log, isGivenUp }, { log: ["give up"], isGivenUp: false })
      writers[0]?.onEnd(Either.left(new SandboxFailure({ code: "ECANCELED", message: "Operation canceled" })))
      assert.include(await end, { code: "File.NotWritten" })
      await given
      assert.isFalse(isOpen(fd))
      await Effect.runPromise(handed.giveUp(id))
      assert.deepStrictEqual(log, ["give up"])
    })

    it("are given up with the session, and where they have become too large", async () => {
      const { handed, log, write } = world()
      const one = write()
      handed.closeAll()
      assert.include(await one.end, { code: "File.NotWritten" })
      const other = write()
      Fs.writeFileSync(at("own/file"), "x".repeat(101))
      const committed = Effect.runPromise(Effect.flip(handed.commit(other.id, 101)))
      assert.deepStrictEqual(log, ["cancel", "cancel"])
      assert.include(await other.end, { text: "EFBIG: File too large: /a" })
      assert.include(await committed, { text: "EFBIG: File too large: /a" })
      assert.include(await Effect.runPromise(Effect.flip(handed.commit("unknown", 1))), { status: 408 })
      Fs.writeFileSync(at("own/file"), "own/file")
    })
  })
})
