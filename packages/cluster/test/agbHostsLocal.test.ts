/** Hosts that are processes of `agb-local`: sessions are placed by load, stay where they are, and are lost with a host that is killed. */
import { AgbHosts } from "@effect-agb/cluster"
import type { AgbError, Transport } from "@effect-agb/core"
import { Agb, AgbConfig, Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import type { Sharding } from "@effect/cluster"
import { TestRunner } from "@effect/cluster"
import { assert, describe, it } from "@effect/vitest"
import type { Scope } from "effect"
import { Context, Effect, Either, Fiber, Layer, Logger, Stream } from "effect"
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as agbLocal from "./support/agbLocal.js"
import { params } from "./support/fixtures.js"

const surroundings = Layer.merge(AgbConfig.layer({ apiKey: agbLocal.apiKey }), NodeAgb.layerTransport)

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "agb-hosts-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

interface Started {
  /** The runtime itself. */
  readonly agb: Agb.Agb.Service
  /** Makes it a host of the cluster. */
  readonly join: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
}

interface Cluster {
  readonly agb: Agb.Agb.Service
  readonly folder: string
  readonly start: (name: string, args?: ReadonlyArray<string>) => Effect.Effect<Started, unknown, Scope.Scope>
}

const makeCluster = (options: AgbHosts.Options) =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const sharding = yield* Layer.build(TestRunner.layer)
    const memo = yield* Layer.makeMemoMap
    const build = <A, E>(
      layer: Layer.Layer<A, E, AgbConfig.AgbConfig | Transport.Transport | Sharding.Sharding>
    ) => Layer.buildWithMemoMap(Layer.provide(layer, surroundings), memo, scope).pipe(Effect.provide(sharding))
    const folder = yield* temporary
    let count = 0
    const start: Cluster["start"] = (name, args = []) =>
      Effect.gen(function*() {
        const own = join(folder, `${name}-${++count}`)
        mkdirSync(own)
        const { endpoint, kill } = yield* agbLocal.start({ folder: own, args: ["--pool-size", "0", ...args] })
        const runtime = yield* Layer.build(NodeAgb.layer({ apiKey: agbLocal.apiKey, endpoint }))
        const joined = Effect.asVoid(build(AgbHosts.layerHost({ name, endpoint })))
        return { agb: Context.get(runtime, Agb.Agb), join: Effect.orDie(joined), kill }
      })
    const services = yield* build(AgbHosts.layer(options))
    return { agb: Context.get(services, Agb.Agb), folder, start }
  })

const test = (
  name: string,
  options: AgbHosts.Options,
  body: (cluster: Cluster) => Effect.Effect<void, unknown, Agb.Agb | Scope.Scope>
) =>
  it.scopedLive(
    name,
    () =>
      Effect.flatMap(makeCluster(options), (cluster) => Effect.provideService(body(cluster), Agb.Agb, cluster.agb))
        .pipe(
          Effect.provide(Logger.remove(Logger.defaultLogger))
        )
  )

const count = (agb: Agb.Agb.Service) => Effect.map(Stream.runCollect(agb.list()), (all) => all.length)

const until = <E, R>(isTrue: Effect.Effect<boolean, E, R>) =>
  Effect.repeat(Effect.delay(isTrue, "50 millis"), { until: (is) => is })

const tagOf = <E extends { readonly _tag: string }>(result: Either.Either<unknown, E>): string =>
  Either.isLeft(result) ? result.left._tag : "Success"

describe("sessions on local runtimes", () => {
  test(
    "are placed by load, stay, and are lost with a host that is killed, also to whoever waits",
    {},
    (cluster) =>
      Effect.gen(function*() {
        const [a, b] = yield* Effect.all([cluster.start("a"), cluster.start("b")], { concurrency: 2 })
        const kept = yield* a.agb.create(params)
        yield* Effect.forEach([a, a, a, b], ({ agb }) => agb.create(params))
        yield* Effect.zipRight(a.join, b.join)
        yield* until(Effect.map(count(cluster.agb), (all) => all === 5))
        const placed = yield* Effect.forEach([1, 2, 3], () => cluster.agb.create(params))
        assert.deepStrictEqual(yield* Effect.all([count(a.agb), count(b.agb)]), [4, 4])

        const [session, waiting] = placed
        if (session === undefined || waiting === undefined) return assert.fail("no session")
        yield* session.code.runCode("globalThis.kept = 41", "javascript")
        yield* cluster.agb.create(params)
        assert.strictEqual((yield* session.code.runCode("kept + 1", "javascript")).text, "42")

        const begun = join(cluster.folder, "begun")
        const process = yield* waiting.command.startDetached("sleep 600", { key: "slow" })
        const waits = yield* Effect.forEach([
          waiting.command.executeCommand(`touch '${begun}'; sleep 600`, { timeout: "10 minutes" }),
          process.exit
        ], (wait: Effect.Effect<unknown, AgbError.AgbError>) => Effect.forkScoped(Effect.either(wait)))
        yield* until(Effect.sync(() => existsSync(begun)))
        yield* b.kill
        assert.deepStrictEqual((yield* Effect.forEach(waits, Fiber.join)).map(tagOf), [
          "SessionLostError",
          "SessionLostError"
        ])
        assert.strictEqual(tagOf(yield* Effect.either(session.code.runCode("kept", "javascript"))), "SessionLostError")
        assert.strictEqual(tagOf(yield* Effect.either(Session.attach(session.sessionId))), "SessionLostError")
        assert.strictEqual(yield* (yield* Session.attach(kept.sessionId)).status, "RUNNING")
        const before = yield* count(a.agb)
        yield* cluster.agb.create(params)
        assert.strictEqual(yield* count(a.agb), before + 1)
      })
  )

  test(
    "have the contexts again that their host keeps on storage that outlives it",
    { contexts: "a" },
    (cluster) =>
      Effect.gen(function*() {
        const storage = ["--contexts", join(cluster.folder, "shared")]
        const [a, b] = yield* Effect.all([cluster.start("a", storage), cluster.start("b")], { concurrency: 2 })
        yield* a.agb.create(params)
        yield* Effect.zipRight(a.join, b.join)
        const { id } = yield* cluster.agb.client.getContext({ name: "data", allowCreate: true })
        const mapped = { ...params, contexts: [{ context: id, path: "/tmp/mapped" }] }
        const first = yield* cluster.agb.create(mapped)
        yield* first.fileSystem.writeFile("/tmp/mapped/note", "kept")
        yield* cluster.agb.delete(first.sessionId, { sync: true })
        const lost = yield* cluster.agb.create(mapped)
        yield* a.kill

        const again = yield* cluster.start("a", storage)
        yield* again.join
        assert.strictEqual(
          tagOf(yield* Effect.either(lost.fileSystem.readFile("/tmp/mapped/note"))),
          "SessionLostError"
        )
        const next = yield* cluster.agb.create(mapped)
        assert.strictEqual(yield* next.fileSystem.readFile("/tmp/mapped/note"), "kept")
        assert.deepStrictEqual(yield* Effect.all([count(again.agb), count(b.agb)]), [1, 0])
      })
  )
})
