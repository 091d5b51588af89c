/** What sandboxed code and clients may try against the way out: all of it ends where it began. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Net from "node:net"
import * as Os from "node:os"
import { afterAll } from "vitest"
import type { SandboxCall } from "../../src/internal/sandbox/channel/protocol.js"
import { nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { make } from "../../src/internal/sandbox/sandbox.js"
import { type Isolation, probeAll } from "../../src/Isolation.js"
import { standIn } from "../support/agent/standIn.js"
import {
  connect,
  get,
  outside,
  serve,
  shell,
  socks,
  socksAnswer,
  somewhere,
  talk
} from "../support/processes/outside.js"
import { until } from "../support/processes/processes.js"

const found = await Effect.runPromise(probeAll)
const isFirstOfItsKind = ({ mechanism }: Isolation, index: number) =>
  found.findIndex((other) => other.mechanism === mechanism) === index
const isolations = found.filter(isFirstOfItsKind).map((isolation) => [isolation.mechanism, isolation] as const)

const { agent, remove } = standIn()
afterAll(remove)

const own = Object.values(Os.networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))

/** Says at once that it was reached, so that a defence that fails is soon noticed. */
const page = serve((socket) => socket.resume().end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nreached"))

/** Names, and where they lead. */
const names = {
  "localhost": ["127.0.0.1", "::1"],
  "loopback.evil.example": ["127.0.0.1"],
  "mapped.evil.example": ["::ffff:127.0.0.1"],
  "zero.evil.example": ["0.0.0.0"],
  "metadata.evil.example": ["169.254.169.254"],
  "private.evil.example": ["10.1.2.3", "192.168.0.1", "fd00::1"],
  "own.evil.example": own
}

const addresses = [
  ...[
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::127.0.0.1"
  ],
  ...["169.254.169.254", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fe80::1", "fc00::1", "224.0.0.1"],
  ...[
    "255.255.255.255",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "127.0.0.1.",
    "017700000001",
    "1.2.3"
  ]
]

describe.skipIf(isolations.length === 0).each(isolations)("the way out, %s,", (_, isolation) => {
  const start = (egress: ReturnType<typeof outside>["egress"]) => make({ isolation, interpreters: nodeOnly, egress })

  it.live("leads to nothing of this machine, under no name and in no spelling", () =>
    Effect.gen(function*() {
      const { port, visits } = yield* page
      const { dialled, egress } = outside(names)
      const sandbox = yield* start(egress)
      const hosts = [...Object.keys(names), ...own, ...addresses]
      const attempts = hosts.flatMap((host) => [get(host, port), connect(host, port), socks(host, port)])
      const answers = yield* Effect.forEach(attempts, (bytes) => talk(sandbox, bytes), { concurrency: 8 })
      answers.forEach((answer, index) => {
        const host = hosts[Math.floor(index / 3)]
        if (index % 3 === 2) assert.strictEqual(answer, socksAnswer(2), host)
        else assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n.*\r\n\r\n.*a session may not connect there: /s, host)
      })
      assert.deepStrictEqual(dialled, [])
      assert.strictEqual(visits(), 0)
    }).pipe(Effect.scoped))

  it.live("is the only one", () =>
    Effect.gen(function*() {
      const { port, visits } = yield* page
      const sandbox = yield* start(outside().egress)
      for (const address of ["127.0.0.1", ...own.filter(Net.isIPv4)]) {
        yield* shell(sandbox, `timeout 2 node -e 'fetch("http://${address}:${port}/").catch(() => 0)'`)
      }
      const routes = (yield* shell(sandbox, "cat /proc/net/route; grep -v -e lo: -e '|' /proc/net/dev")).toString()
      assert.strictEqual(routes.trim().split("\n").length, 1)
      assert.strictEqual(visits(), 0)
    }).pipe(Effect.scoped))
})

describe.skipIf(isolations.length === 0)("the way out", () => {
  const isolation = found[0]!
  const start = (egress: ReturnType<typeof outside>["egress"]) => make({ isolation, interpreters: nodeOnly, egress })

  it.live("dials what it has judged: a name that then leads elsewhere is not asked again", () =>
    Effect.gen(function*() {
      const { port } = yield* page
      let turn = 0
      const { asked, dialled, egress } = outside({
        "rebinding.example": () => turn++ === 0 ? [somewhere] : ["127.0.0.1"],
        "both.example": ["127.0.0.1", somewhere, "10.0.0.1"]
      })
      const sandbox = yield* start(egress)
      assert.match(yield* talk(sandbox, get("rebinding.example", port)), /reached$/)
      assert.deepStrictEqual([...asked, ...dialled], ["rebinding.example", `${somewhere} ${port}`])
      assert.match(yield* talk(sandbox, get("rebinding.example", port)), /^HTTP\/1\.1 403 /)
      assert.match(yield* talk(sandbox, get("both.example", port)), /reached$/)
      assert.deepStrictEqual(dialled, [`${somewhere} ${port}`, `${somewhere} ${port}`])
    }).pipe(Effect.scoped))

  it.live("does not follow where a server sends a program to", () =>
    Effect.gen(function*() {
      const { port, visits } = yield* page
      const sending = yield* serve((socket) =>
        socket.once("data", () => socket.end(`HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:${port}/\r\n\r\n`))
      )
      const sandbox = yield* start(outside().egress)
      const answer = yield* talk(sandbox, get(somewhere, sending.port))
      const location = new URL(/^Location: (\S+)/m.exec(answer)?.[1] ?? assert.fail("no redirect"))
      assert.match(yield* talk(sandbox, get(location.hostname, Number(location.port))), /^HTTP\/1\.1 403 /)
      assert.strictEqual(visits(), 0)
    }).pipe(Effect.scoped))

  it.live("leads to private addresses that are allowed, and to no other", () =>
    Effect.gen(function*() {
      const { port } = yield* page
      const registry = { "registry.internal": ["10.9.9.9"], "other.internal": ["10.9.9.9", "10.1.2.4"] }
      const ranges = [{ start: [10, 1, 2, 0], bits: 30 }]
      const { dialled, egress } = outside(registry, { ranges, names: new Set(["registry.internal"]) })
      const sandbox = yield* start(egress)
      for (const host of ["10.1.2.3", "REGISTRY.internal."]) {
        assert.match(yield* talk(sandbox, get(host, port)), /reached$/, host)
      }
      for (const host of ["10.1.2.4", "10.9.9.9", "other.internal"]) {
        assert.match(yield* talk(sandbox, get(host, port)), /^HTTP\/1\.1 403 /, host)
      }
      assert.deepStrictEqual(dialled, [`10.1.2.3 ${port}`, `10.9.9.9 ${port}`])
    }).pipe(Effect.scoped))
})

/** The stand-in understands more than a real agent. */
const odd = (call: { readonly op: string; readonly [name: string]: unknown }) => call as unknown as SandboxCall

const malformed: Readonly<Record<string, object>> = {
  "for a host that is no text": { host: 7 },
  "for a host that is too long": { host: "a".repeat(256) },
  "for port 0": { port: 0 },
  "for a port that does not exist": { port: 65_536 },
  "by no number": { connection: "1" },
  "by a negative number": { connection: -1 }
}

describe.skipIf(isolations.length === 0)("an agent that", () => {
  const endless = { ...outside().egress.network, resolve: () => new Promise<never>(() => {}) }
  const start = (egress = outside().egress) => make({ isolation: found[0]!, interpreters: nodeOnly, agent, egress })
  const isLost = ({ lost }: { readonly lost: Effect.Effect<unknown> }) =>
    Effect.map(Effect.timeoutOption(lost, "5 seconds"), Option.isSome)

  it.live.each(Object.entries(malformed))(
    "asks %s loses its sandbox, and no other does",
    ([, more]) =>
      Effect.gen(function*() {
        const [hostile, neighbour] = yield* Effect.all([start(), start()])
        yield* Effect.fork(hostile.call(odd({ op: "ask", asks: [more] })))
        assert.isTrue(yield* isLost(hostile), "the sandbox is still there")
        assert.isNull((yield* neighbour.call({ op: "ping" })).value)
      }).pipe(Effect.scoped)
  )

  it.live("asks where nobody listens for that loses its sandbox", () =>
    Effect.gen(function*() {
      const hostile = yield* start()
      yield* Effect.fork(hostile.call(odd({ op: "stray" })))
      assert.isTrue(yield* isLost(hostile), "the sandbox is still there")
    }).pipe(Effect.scoped))

  it.live("asks for more connections than it may have loses its sandbox", () =>
    Effect.gen(function*() {
      const hostile = yield* start({ ...outside().egress, network: endless })
      const asks = (count: number) =>
        hostile.call(odd({ op: "ask", asks: Array.from({ length: count }, () => ({ host: "slow.example" })) }))
      yield* asks(128)
      assert.isNull((yield* hostile.call({ op: "ping" })).value)
      yield* Effect.fork(asks(1))
      assert.isTrue(yield* isLost(hostile), "the sandbox is still there")
    }).pipe(Effect.scoped))

  it.live.each(["sends too much", "has taken what it was not given"])(
    "%s loses that connection",
    (how) =>
      Effect.gen(function*() {
        const { port } = yield* serve((socket) => {
          socket.pause()
          socket.write("for the other side")
        })
        const sockets: Array<Net.Socket> = []
        const { network, ...rest } = outside().egress
        const watched = (address: string, at: number) => {
          sockets.push(network.connect(address, at))
          return sockets[0]!
        }
        const hostile = yield* start({ ...rest, network: { ...network, connect: watched } })
        yield* hostile.call(odd({ op: "behave", how, port }))
        assert.isTrue(yield* until(() => sockets[0]?.destroyed === true), "the connection is still there")
        assert.isNull((yield* hostile.call({ op: "ping" })).value)
      }).pipe(Effect.scoped)
  )
})
