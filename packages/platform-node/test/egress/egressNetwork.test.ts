/** `network: "outbound"` as an option of the runtime: what is refused, and a real network where one can be made. */
import { type Agb, Session } from "@effect-agb/core"
import type { Isolation } from "@effect-agb/platform-node"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { makeQuery } from "../../src/internal/egress/nameServers.js"
import { outputOf, spawnFixture } from "../support/processes/children.js"
import { connect, get, talkCommand } from "../support/processes/outside.js"
import { best, layerWith, none } from "../support/runtime.js"

const hasNamespaces = best.level === "namespaces"

const started = (options: LocalAgb.Options) => Effect.flip(Effect.scoped(LocalAgb.make({ poolSize: 0, ...options })))

const malformed: ReadonlyArray<readonly [unknown, field: string]> = [
  ["inbound", "network"],
  ["", "network"],
  [7, "network"],

  [{}, "network"],
  [{ outbound: true }, "network"],
  [{ outbound: [] }, "network"],
  [{ outbound: { allow: ["10.0.0.1"] } }, "network.outbound.allow"],
  [{ outbound: { allowPrivate: "10.0.0.1" } }, "network.outbound.allowPrivate"],
  [{ outbound: { allowPrivate: ["10.0.0.1", 7] } }, "network.outbound.allowPrivate[1]"],
  ...["127.0.0.1", "::1", "0.0.0.0/0", "::/0", "169.254.169.254", "8.8.8.8", "10.0.0.0/33", "10.1", "*.a", "", "a b"]
    .map(
      (entry) => [{ outbound: { allowPrivate: [entry] } }, "network.outbound.allowPrivate[0]"] as const
    )
]

describe("the option `network`", () => {
  it.live.each(malformed)("refuses %j", ([option, field]) =>
    Effect.gen(function*() {
      const error = yield* started({ isolation: best, network: option as LocalAgb.Options["network"] })
      assert.strictEqual(error._tag, "ConfigurationError")
      assert.include(error.message, `${field} must be `)
    }))

  const elsewhere: ReadonlyArray<readonly [string, Isolation.Isolation, RegExp]> = [
    ["none", none, /isolation: "none".*network "outbound" needs a network namespace.*bubblewrap/],
    [
      "landlock",
      {
        ...none,
        level: "landlock",
        confinement: { _tag: "Landlock", entry: "caller", perl: "/usr/bin/perl", limitsProcesses: false }
      },
      /isolation: "landlock".*network "outbound" needs a network namespace.*bubblewrap/
    ],
    [
      "unshare without a loopback",
      {
        ...none,
        level: "namespaces",
        confinement: {
          _tag: "Unshare",
          entry: "caller",
          unshare: "/usr/bin/unshare",
          setpriv: "/usr/bin/setpriv",
          ip: undefined,
          perl: undefined
        }
      },
      /needs a loopback.*Install iproute2/
    ]
  ]

  it.live.each(elsewhere)(
    "is not less than it says: outbound is refused with %s",
    ([, isolation, message]) =>
      Effect.gen(function*() {
        for (const network of ["outbound", { outbound: {} }] as const) {
          const error = yield* started({ isolation, network })
          assert.strictEqual(error._tag, "SandboxUnavailableError")
          assert.match(error.message, message)
        }
      })
  )

  it.live.each(
    [
      [["--network", "outbound", "--isolation", "none"], /needs a network namespace/],
      [["--network", "outbound", "--allow-private", "10.0.0.0/8", "--allow-private", "::1"], /allowPrivate\[1\]/],
      [["--network", "host", "--allow-private", "10.0.0.0/8"], /--allow-private needs --network outbound/],
      [["--network", "inbound"], /--network must be one of none, outbound, host/]
    ] as const
  )("of agb-local: %j says why not", ([args, message]) =>
    Effect.promise(async () => {
      const child = await spawnFixture("../../../src/bin.ts", { args: [...args] })
      const said = await outputOf(child).then(() => "it started", (error: Error) => error.message)
      assert.match(said, /^exit code 2: agb-local: /)
      assert.match(said, message)
    }))
})

const inside = (command: string) =>
  Effect.gen(function*() {
    const session = yield* Session.make({ imageId: "agb-code-space-1" })
    return (yield* session.command.executeCommand(command, { timeout: "2 minutes" })).stdout
  }).pipe(Effect.scoped)

const runtimeWith = (network: LocalAgb.Options["network"]) => layerWith(best, { network })

describe.skipIf(!hasNamespaces)("a session of a runtime with `outbound`", () => {
  it.live("does not come to the runtime, by whatever name", () =>
    Effect.gen(function*() {
      const { endpoint } = yield* LocalAgb.LocalAgb
      const port = Number(new URL(endpoint).port)
      const own = Object.values(Os.networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
      for (const host of ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", ...own]) {
        const bare = host.replace(/^\[|\]$/g, "")
        for (const bytes of [get(bare, port), connect(bare, port)]) {
          const answer = yield* inside(talkCommand(bytes))
          assert.match(answer, /^HTTP\/1\.1 403 .*a session may not connect there/s, host)
        }
      }
    }).pipe(Effect.provide(runtimeWith("outbound"))))
})

const ip = (command: string) => spawnSync("ip", command.split(" "), { encoding: "utf8" })

/** A network of this machine and one other, with numbers that nobody else on it has at the moment. */
const numbers = { second: 200 + process.pid % 50, third: (process.pid >> 6) % 250, last: 4 * (process.pid % 60) }
const ours = `10.${numbers.second}.${numbers.third}.${numbers.last + 1}`
const theirs = `10.${numbers.second}.${numbers.third}.${numbers.last + 2}`
/** Public, and in use for a service that no test asks for. */
const abroad = `192.31.196.${1 + process.pid % 250}`
const name = `agb${process.pid}`

const setUp = [
  `netns add ${name}`,
  `link add ${name}a type veth peer name ${name}b netns ${name}`,
  `addr add ${ours}/30 dev ${name}a`,
  `link set ${name}a up`,
  `-n ${name} addr add ${theirs}/30 dev ${name}b`,
  `-n ${name} addr add ${abroad}/32 dev ${name}b`,
  `-n ${name} link set ${name}b up`,
  `-n ${name} link set lo up`,
  `route add ${abroad}/32 via ${theirs}`
]

const tearDown = () => void [`link del ${name}a`, `netns del ${name}`].map(ip)

const canMakeNetworks = hasNamespaces && process.getuid?.() === 0 && setUp.every((command) => ip(command).status === 0)
tearDown()

const program = `require("http").createServer((request, response) => response.end("reached " + request.url))
  .listen(8080, "::", () => console.log("listens"))`

/** A server on another machine, as far as this one can tell. */
const machine = Effect.acquireRelease(
  Effect.promise(async () => {
    for (const command of setUp) assert.strictEqual(ip(command).stderr, "", command)
    const child = spawn("ip", ["netns", "exec", name, process.execPath, "-e", program])
    await once(child.stdout, "data")
    return child
  }),
  (child) =>
    Effect.sync(() => {
      child.kill("SIGKILL")
      tearDown()
    })
)

describe.skipIf(!canMakeNetworks)("a network with another machine (needs root, iproute2 and veth)", () => {
  const reached = (host: string) => inside(talkCommand(get(host, 8080, "/page")))
  const scoped = <A, E>(
    network: LocalAgb.Options["network"],
    body: Effect.Effect<A, E, Agb.Agb | LocalAgb.LocalAgb>
  ) => Effect.scoped(Effect.zipRight(machine, Effect.provide(body, runtimeWith(network))))

  it.live("is reached at its public address alone", () =>
    scoped(
      "outbound",
      Effect.gen(function*() {
        assert.match(yield* reached(abroad), /^HTTP\/1\.1 200 OK.*reached \/page$/s)
        assert.match(yield* reached(theirs), /^HTTP\/1\.1 403 .*it is a private address/s)
      })
    ))

  it.live("is reached at its private address where that is allowed, and this machine is not", () =>
    scoped(
      { outbound: { allowPrivate: [`10.${numbers.second}.0.0/16`] } },
      Effect.gen(function*() {
        assert.match(yield* reached(theirs), /reached \/page$/)
        assert.match(yield* reached(ours), /^HTTP\/1\.1 403 .*the machine that runs this session/s)
      })
    ))

  it.live("is not reached from sessions without a network", () =>
    scoped(
      "none",
      Effect.gen(function*() {
        const fetched =
          `fetch("http://${abroad}:8080/page").then((it) => it.text(), () => "not reached").then(console.log)`
        assert.strictEqual(yield* inside(`node -e '${fetched}'`), "not reached\n")
      })
    ))
})

/** Answers questions for the IPv4 address of `known.example`, says that it knows no `unknown`, and is silent otherwise. */
const nameServer = Effect.acquireRelease(
  Effect.promise(async () => {
    const socket = Dgram.createSocket("udp4")
    socket.on("message", (question, { address, port }) => {
      const end = question.indexOf(0, 12) + 5
      const name = question.toString("latin1", 12, end)
      const isKnown = name.includes("known\u0007example")
      if (!isKnown && !name.includes("unknown")) return
      const hasAnswer = isKnown && !name.includes("unknown") && question[end - 3] === 1
      const reply = Buffer.from(question.subarray(0, end))
      reply.writeUInt16BE(isKnown && !name.includes("unknown") ? 0x8180 : 0x8183, 2)
      reply.writeUInt16BE(hasAnswer ? 1 : 0, 6)
      reply.fill(0, 8, 12)
      const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 8, 8, 4, 4])
      socket.send(Buffer.concat(hasAnswer ? [reply, answer] : [reply]), port, address)
    })
    socket.bind(0, "127.0.0.1")
    await once(socket, "listening")
    return socket
  }),
  (socket) => Effect.sync(() => socket.close())
)

describe("a name", () => {
  it.live("is looked for in the hosts file and with the name servers, and given up when nobody waits", () =>
    Effect.gen(function*() {
      const { port } = (yield* nameServer).address()
      const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-hosts-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(folder, { recursive: true })))
      const hostsFile = Path.join(folder, "hosts")
      Fs.writeFileSync(
        hostsFile,
        "# 10.0.0.1 known.example\n10.0.0.2\tOther.example alias.example # listed.example\nx y\n"
      )
      const query = makeQuery({ hostsFile, servers: [`127.0.0.1:${port}`] })
      const ask = (name: string, signal = new AbortController().signal) => Effect.promise(() => query(name, signal))
      assert.deepStrictEqual(yield* ask("other.example"), ["10.0.0.2"])
      assert.deepStrictEqual(yield* ask("alias.example"), ["10.0.0.2"])
      assert.deepStrictEqual(yield* ask("known.example"), ["8.8.4.4"])
      assert.isUndefined(yield* ask("unknown.example"))
      const nobody = new AbortController()
      const silent = query("silent.example", nobody.signal)
      nobody.abort()
      const error = yield* Effect.flip(Effect.tryPromise({ try: () => silent, catch: String }))
      assert.include(error, "no name server has answered")
    }).pipe(Effect.scoped))
})
