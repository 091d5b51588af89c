/** Programs that are killed, with a guardian: their sessions are deleted all the same. */
import { Agb, AgbError } from "@effect-agb/core"
import { AgbPromise, NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Tls from "node:tls"
import { fileURLToPath } from "node:url"
import { testProgram } from "../../../../scripts/testProgram.mjs"
import * as journalFile from "../../src/internal/guardian/program/journalFile.js"
import { processStat } from "../../src/internal/node/processStat.js"
import * as certificate from "../support/certificate.js"
import { failsWith } from "../support/failsWith.js"
import { apiKey } from "../support/fakeAgb.js"
import { answers, silent, unavailable } from "../support/faults.js"
import { type FaultServer, make } from "../support/faultServer.js"

const programOf = (name: string) => testProgram(fileURLToPath(new URL(`../support/${name}`, import.meta.url)))

const [program, promiseProgram] = [await programOf("guardedProgram.mts"), await programOf("guardedPromise.mts")]

interface Guarded {
  readonly child: ChildProcess
  /** All that it has printed. */
  readonly output: () => string
}

interface Start {
  readonly endpoint: string
  readonly count?: number
  readonly journal?: string
  readonly file?: string
  readonly what?: "end" | "create" | "again"
  readonly env?: Readonly<Record<string, string>>
}

/** Patience for a busy machine, after which a test fails and does not hang. */
const maxLooks = 2500

const until = (condition: () => boolean, most = maxLooks) =>
  Effect.gen(function*() {
    for (let looks = 0; !condition(); looks++) {
      assert.isBelow(looks, most, "waited in vain")
      yield* Effect.sleep("10 millis")
    }
  })

/** The processes of guardians whose program has this pid. */
const guardiansOf = ({ child }: Pick<Guarded, "child">): ReadonlyArray<number> =>
  Fs.readdirSync("/proc").map(Number).filter((pid) => {
    const stat = pid > 0 ? processStat(pid) : undefined
    return stat?.parent === child.pid && stat?.name === "agb-guardian" && !stat.isZombie
  })

const isGone = (pid: number): boolean => processStat(pid)?.isZombie ?? true

/** A guardian that goes on trying would keep the server of a test that fails from its end. */
const end = (pids: ReadonlyArray<number>): void => {
  for (const pid of pids) if (!isGone(pid)) process.kill(pid, "SIGKILL")
}

/** Starts a program and waits until it has its sessions. */
const start = (
  { count = 3, endpoint, env = {}, file = program, journal = "", what }: Start
): Effect.Effect<Guarded, never, Scope.Scope> =>
  Effect.gen(function*() {
    let output = ""
    let guardians: ReadonlyArray<number> = []
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [file, String(count), journal, what ?? ""], {
          env: { PATH: process.env.PATH, AGB_API_KEY: apiKey, AGB_ENDPOINT: endpoint, AGB_TIMEOUT_MS: "30000", ...env },
          stdio: ["pipe", "pipe", "pipe"]
        })
      ),
      (child) =>
        Effect.sync(() => {
          end([...guardians, ...guardiansOf({ child })])
          child.kill("SIGKILL")
        })
    )
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString("utf8")
      })
    }
    yield* until(() => output.includes("ready") || child.exitCode !== null)
    assert.include(output, "ready")
    guardians = guardiansOf({ child })
    return { child, output: () => output }
  })

const guardianOf = (guarded: Guarded): Effect.Effect<number> =>
  Effect.map(until(() => guardiansOf(guarded).length > 0), () => guardiansOf(guarded)[0] ?? 0)

const killed = ({ child }: Guarded) =>
  Effect.zipRight(Effect.sync(() => child.kill("SIGKILL")), until(() => child.signalCode !== null))

const noneLeft = (server: FaultServer) => until(() => server.ledger.live === 0)

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-journal-"))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

const accountOf = (server: FaultServer, key = apiKey) => ({
  endpoint: server.endpoint,
  apiKey: key,
  timeout: 1000,
  deleteBudget: 1000,
  maxResponseBytes: 1000
})

/** Without those that are being written. */
const filesIn = (directory: string) =>
  Fs.readdirSync(directory).filter((name) => name.endsWith(".json")).map((name) => Path.join(directory, name))

describe("a guardian", () => {
  it.live("deletes the 50 sessions of a program that is killed, and ends", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const guarded = yield* start({ endpoint: server.endpoint, count: 50 })
      const guardian = yield* guardianOf(guarded)
      assert.strictEqual(server.ledger.live, 50)
      yield* killed(guarded)
      yield* noneLeft(server)
      yield* until(() => isGone(guardian))
      assert.strictEqual(server.ledger.deleted.length, 50)
    }).pipe(Effect.scoped))

  it.live("deletes those of a program without Effect, and ends with its disposal where it is not killed", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const one = yield* start({ endpoint: server.endpoint, file: promiseProgram })
      const other = yield* start({ endpoint: server.endpoint, file: promiseProgram })
      const guardians = [yield* guardianOf(one), yield* guardianOf(other)]
      assert.strictEqual(server.ledger.live, 6)
      yield* killed(one)
      yield* until(() => server.ledger.live === 3)
      other.child.stdin?.end()
      yield* noneLeft(server)
      yield* until(() => guardians.every(isGone) && other.child.exitCode !== null)
      assert.strictEqual(other.child.exitCode, 0)
    }).pipe(Effect.scoped))

  it.live("that cannot start is told by every call of the promise API", () =>
    Effect.gen(function*() {
      const settings = { apiKey, endpoint: "http://127.0.0.1:9" }
      for (
        const [guardian, field] of [["yes", "guardian"], [{ journal: "x" }, "journal"], [
          { journalDirectory: " " },
          "journalDirectory"
        ]]
      ) {
        const make = () => new AgbPromise.AGB({ ...settings, guardian } as never)
        assert.throws(make, AgbError.ConfigurationError, `${field} must be`)
      }
      const directory = yield* temporaryDirectory
      const place = Path.join(directory, "file")
      Fs.writeFileSync(place, "")
      const agb = new AgbPromise.AGB({ ...settings, guardian: { journalDirectory: place } })
      const created = yield* Effect.promise(() => agb.create({ imageId: "agb-code-space-1" }))
      assert.deepInclude(created.error, { _tag: "RuntimeUnavailableError", reason: "GuardianError" })
      yield* Effect.promise(() => agb.dispose())
    }).pipe(Effect.scoped))

  it.live("finds the session of a create whose reply was lost with the program", () =>
    Effect.gen(function*() {
      const server = yield* make()
      server.faults.next("createSession", undefined, silent("after"))
      const guarded = yield* start({ endpoint: server.endpoint, count: 1, what: "create" })
      yield* until(() => server.ledger.live === 2)
      yield* killed(guarded)
      yield* noneLeft(server)
    }).pipe(Effect.scoped))

  it.live("goes on while deletions fail", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const guarded = yield* start({ endpoint: server.endpoint })
      server.faults.always("releaseSessionAsync", (nth) => nth < 9 ? unavailable("before") : undefined)
      yield* killed(guarded)
      yield* noneLeft(server)
    }).pipe(Effect.scoped))

  it.live("goes on while a firewall refuses deletions", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const guarded = yield* start({ endpoint: server.endpoint, count: 1, env: { DELETE_BUDGET: "1000" } })
      const page = { status: 403, headers: { "content-type": "text/html" }, body: "<h1>Forbidden</h1>" }
      server.faults.always("releaseSessionAsync", (nth) => nth < 9 ? answers("before", page) : undefined)
      yield* killed(guarded)
      yield* noneLeft(server)
    }).pipe(Effect.scoped))

  it.live("goes on while looks for creates fail", () =>
    Effect.gen(function*() {
      const server = yield* make()
      server.faults.next("createSession", silent("after"))
      const guarded = yield* start({ endpoint: server.endpoint, count: 0, what: "create" })
      yield* until(() => server.ledger.live === 1)
      const since = Date.now()
      server.faults.always("listSession", () => Date.now() - since < 26_000 ? unavailable("before") : undefined)
      yield* killed(guarded)
      yield* until(() => server.ledger.live === 0, 10_000)
    }).pipe(Effect.scoped))

  it.live("ends with a program that deletes its own sessions, and asks for nothing", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const guarded = yield* start({ endpoint: server.endpoint, what: "end" })
      const guardian = yield* guardianOf(guarded)
      guarded.child.stdin?.end()
      yield* until(() => guarded.child.exitCode !== null && isGone(guardian))
      assert.deepStrictEqual(
        [guarded.child.exitCode, server.ledger.live, server.ledger.count("releaseSessionAsync")],
        [0, 0, 3]
      )
      assert.notInclude(guarded.output(), "guardian")
    }).pipe(Effect.scoped))

  it.live("survives the signals that end programs, in a session of its own", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const guarded = yield* start({ endpoint: server.endpoint })
      const guardian = yield* guardianOf(guarded)
      assert.strictEqual(processStat(guardian)?.session, guardian)
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.kill(guardian, signal)
      yield* killed(guarded)
      yield* noneLeft(server)
      assert.notInclude(guarded.output(), "guardian")
    }).pipe(Effect.scoped))

  it.live("has no key in its arguments and its environment", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const guarded = yield* start({ endpoint: server.endpoint, env: { OTHER_SECRET: "s3cr3t" } })
      const guardian = yield* guardianOf(guarded)
      for (const name of ["cmdline", "environ"]) {
        const text = Fs.readFileSync(`/proc/${guardian}/${name}`, "latin1")
        for (const secret of [apiKey, "s3cr3t"]) assert.notInclude(text, secret)
      }
      yield* killed(guarded)
      yield* noneLeft(server)
    }).pipe(Effect.scoped))

  it.live("that ends too early is reported, started again, and told everything", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const guarded = yield* start({ endpoint: server.endpoint })
      const first = yield* guardianOf(guarded)
      process.kill(first, "SIGKILL")
      yield* until(() => guardiansOf(guarded).some((pid) => pid !== first))
      assert.include(guarded.output(), "The guardian of sessions ended with SIGKILL, and is started again")
      yield* killed(guarded)
      yield* noneLeft(server)
    }).pipe(Effect.scoped))

  it.live("reaches a server over https by a certificate authority of the program", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const directory = yield* temporaryDirectory
      const authority = Path.join(directory, "authority.pem")
      Fs.writeFileSync(authority, certificate.cert)
      const tls = yield* Effect.acquireRelease(
        Effect.async<Tls.Server>((resume) => {
          const tls = Tls.createServer({ cert: certificate.cert, key: certificate.key }, (socket) => {
            const to = Net.connect(server.port, "127.0.0.1")
            for (const end of [socket, to]) end.on("error", () => {})
            socket.pipe(to).pipe(socket)
          })
          tls.listen(0, "127.0.0.1", () => resume(Effect.succeed(tls)))
        }),
        (tls) => Effect.sync(() => tls.close())
      )
      const { port } = tls.address() as Net.AddressInfo
      const guarded = yield* start({ endpoint: `https://127.0.0.1:${port}`, env: { NODE_EXTRA_CA_CERTS: authority } })
      yield* killed(guarded)
      yield* noneLeft(server)
    }).pipe(Effect.scoped))

  it.live("that cannot start is a failure of its layer", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const file = Path.join(directory, "file")
      Fs.writeFileSync(file, "")
      const build = (options: NodeAgb.GuardianOptions) => Effect.scoped(Layer.build(NodeAgb.layerGuardian(options)))
      const { message } = yield* failsWith(build({ journalDirectory: Path.join(file, "in") }), "GuardianError")
      assert.include(message, "ENOTDIR")
      const bad = [{ journalDirectory: " " }, { journalDirectory: 1 }, { journal: file }]
      const fields = yield* Effect.forEach(bad, (options) =>
        Effect.map(failsWith(build(options as NodeAgb.GuardianOptions), "ConfigurationError"), ({ field }) =>
          field))
      assert.deepStrictEqual(fields, ["journalDirectory", "journalDirectory", "journal"])
    }).pipe(Effect.scoped))
})

describe("the journal of a guardian", () => {
  /** Kills a program and its guardian. */
  const stopped = (guarded: Guarded) =>
    Effect.gen(function*() {
      const guardian = yield* guardianOf(guarded)
      // Stopped before, so that it starts nothing when the guardian is gone.
      guarded.child.kill("SIGSTOP")
      process.kill(guardian, "SIGKILL")
      yield* killed(guarded)
      yield* until(() => isGone(guardian))
    })

  const idsIn = (server: FaultServer, directory: string) =>
    filesIn(directory).flatMap((file) => journalFile.read(file, accountOf(server))?.ids.session ?? [])

  it.live("lets the next program delete what was left behind when the guardian was killed too", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const journal = yield* temporaryDirectory
      const first = yield* start({ endpoint: server.endpoint, journal })
      yield* until(() => idsIn(server, journal).length === 3)
      yield* stopped(first)
      assert.strictEqual(server.ledger.live, 3)
      const [file = ""] = filesIn(journal)
      assert.strictEqual(Fs.statSync(file).mode & 0o777, 0o600)
      assert.notInclude(Fs.readFileSync(file, "utf8"), apiKey)

      const next = yield* start({ endpoint: server.endpoint, count: 1, journal, what: "end" })
      yield* until(() => server.ledger.live === 1)
      yield* until(() => next.output().includes("Deleted 3 sessions that an earlier program had left behind"))
      yield* until(() => filesIn(journal).length === 1)
      next.child.stdin?.end()
      yield* until(() => next.child.exitCode !== null && filesIn(journal).length === 0)
      assert.strictEqual(server.ledger.live, 0)
    }).pipe(Effect.scoped))

  it.live("finds creates that were in flight", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const journal = yield* temporaryDirectory
      server.faults.next("createSession", silent("after"))
      const first = yield* start({ endpoint: server.endpoint, count: 0, journal, what: "create" })
      yield* until(() => server.ledger.live === 1 && filesIn(journal).length === 1)
      yield* stopped(first)
      const next = yield* start({ endpoint: server.endpoint, count: 0, journal })
      yield* noneLeft(server)
      yield* killed(next)
    }).pipe(Effect.scoped))

  it.live("keeps what the guardian before had left when a program has another one", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const journal = yield* temporaryDirectory
      server.faults.always("releaseSessionAsync", unavailable("before"))
      const env = { DELETE_BUDGET: "1000" }
      const first = yield* start({ endpoint: server.endpoint, journal, what: "again", env })
      const guardian = yield* guardianOf(first)
      yield* until(() => idsIn(server, journal).length === 3)
      first.child.stdin?.write("\n")
      yield* until(() => first.output().includes("ended"))
      process.kill(guardian, "SIGKILL")
      yield* until(() => isGone(guardian))
      first.child.stdin?.write("\n")
      yield* until(() => idsIn(server, journal).length === 6)
      yield* stopped(first)
      server.faults.clear()
      const next = yield* start({ endpoint: server.endpoint, count: 0, journal })
      yield* noneLeft(server)
      yield* killed(next)
    }).pipe(Effect.scoped))

  it.live("is replaced by that of a guardian that is started again", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const journal = yield* temporaryDirectory
      const guarded = yield* start({ endpoint: server.endpoint, journal })
      yield* until(() => idsIn(server, journal).length === 3)
      const [before] = filesIn(journal)
      process.kill(yield* guardianOf(guarded), "SIGKILL")
      yield* until(() => idsIn(server, journal).length === 6)
      yield* until(() => filesIn(journal).length === 1)
      assert.notDeepEqual(filesIn(journal), [before])
      assert.deepStrictEqual([idsIn(server, journal).length, server.ledger.live], [3, 3])
      yield* killed(guarded)
      yield* noneLeft(server)
      yield* until(() => filesIn(journal).length === 0)
    }).pipe(Effect.scoped))

  it.live("of a program that runs is left alone, and so is that of another account or server", () =>
    Effect.gen(function*() {
      const [server, other] = [yield* make(), yield* make()]
      const journal = yield* temporaryDirectory
      const running = yield* start({ endpoint: server.endpoint, journal })
      yield* until(() => idsIn(server, journal).length === 3)
      const foreign = yield* start({ endpoint: other.endpoint, journal })
      yield* until(() => filesIn(journal).length === 2)
      yield* stopped(foreign)
      const next = yield* start({ endpoint: server.endpoint, count: 1, journal })
      yield* until(() => idsIn(server, journal).length === 4)
      assert.deepStrictEqual([server.ledger.live, other.ledger.live, filesIn(journal).length], [4, 3, 3])
      yield* killed(next)
      yield* until(() => server.ledger.live === 3)
      yield* killed(running)
      yield* noneLeft(server)
      assert.strictEqual(other.ledger.live, 3)
    }).pipe(Effect.scoped))

  it.live("of a program that cannot be looked for is taken over when nobody has touched it for minutes", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const journal = yield* temporaryDirectory
      const client = yield* Effect.map(
        Layer.build(server.node()),
        (context) => Effect.provide(context)
      )
      const make3 = Effect.all(
        Array.from({ length: 4 }, () => Effect.flatMap(Agb.Agb, (agb) => agb.create({ imageId: "agb-code-space-1" })))
      )
      const ids = (yield* client(make3)).map(({ sessionId }) => sessionId)
      const account = accountOf(server)
      const put = (sessionId: string | undefined, age: number, change: (file: string) => void = () => {}) => {
        const file = journalFile.newFile(journal, account)
        journalFile.write(file, account, {
          endpoint: server.endpoint,
          program: "0123456789abcdef-1-1",
          guardian: "0123456789abcdef-2-2",
          lineage: "",
          ids: { attempt: [], session: [sessionId ?? ""] },
          inherited: { attempt: [], session: [] }
        })
        change(file)
        const time = Date.now() / 1000 - age
        Fs.utimesSync(file, time, time)
        return file
      }
      put(ids[0], 600)
      const fresh = put(ids[1], 30)
      const changed = put(ids[2], 600, (file) => {
        const text = Fs.readFileSync(file, "utf8")
        Fs.writeFileSync(file, text.replace(ids[2] ?? "", ids[3] ?? ""))
      })
      const open = put(ids[2], 600, (file) => Fs.chmodSync(file, 0o644))
      const next = yield* start({ endpoint: server.endpoint, count: 0, journal })
      yield* until(() => next.output().includes("Deleted 1 sessions"))
      assert.deepStrictEqual(server.ledger.deleted, ids.slice(0, 1))
      assert.deepStrictEqual(filesIn(journal).sort(), [fresh, changed, open].sort())
    }).pipe(Effect.scoped))
})
