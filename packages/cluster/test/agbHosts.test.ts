/** Sessions on several hosts: placed by load, reached from everywhere, and lost with their host. */
import { AgbEntity, AgbHosts } from "@effect-agb/cluster"
import type { AgbError } from "@effect-agb/core"
import { Agb, AgbConfig, Session, Transport } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { Entity, ShardingConfig, TestRunner } from "@effect/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { params, passing } from "./support/fixtures.js"

/** Each backend counts its sessions from 1, so that ids tell hosts apart only outside. */
const inside = <R extends { readonly url: string; readonly body: string | undefined }>(
  name: string,
  request: R
): R => ({
  ...request,
  url: request.url.replaceAll(`${name}-0`, "s-0"),
  body: request.body?.replaceAll(`${name}-0`, "s-0")
})

/** Backends by the names of their hosts, which can be unplugged. */
const makeNetwork = Effect.gen(function*() {
  const backends = new Map<string, AgbTest.AgbTest.Service>()
  const silent = new Set<string>()
  for (const name of ["a", "b"]) {
    backends.set(
      name,
      yield* AgbTest.make({
        command: () => Effect.as(Effect.sleep("2 minutes"), "done"),
        code: ({ code }) => `${name} ${code}`
      })
    )
  }
  const transport = Transport.Transport.of({
    exchange: (request) =>
      Effect.suspend(() => {
        const { hostname } = new URL(request.url)
        const name = hostname.split(".")[0] ?? ""
        const backend = backends.get(name)
        return backend === undefined || silent.has(name)
          ? Effect.fail(new Transport.ExchangeError({ reason: "Unreachable", code: "ECONNREFUSED" }))
          : backend.transport.exchange(inside(name, { ...request, url: request.url.replace(hostname, "api.agb.test") }))
            .pipe(Effect.map((reply) => ({ ...reply, body: reply.body.replaceAll("s-0", `${name}-0`) })))
      })
  })
  return { backends, silent, transport }
})

/** The names of the hosts of sessions that run, in the order of the hosts. */
const placed = (backends: ReadonlyMap<string, AgbTest.AgbTest.Service>) =>
  Effect.map(
    Effect.forEach(backends, ([name, { sessions }]) =>
      Effect.map(sessions, (all) =>
        all.flatMap(({ status }) => status === "Running" ? [name] : []))),
    (all) =>
      all.flat().join("")
  )

const key = AgbConfig.layer({ apiKey: AgbTest.secrets.apiKey, retry: { maxAttempts: 1 } })

const test = (
  name: string,
  body: (
    network: Effect.Effect.Success<typeof makeNetwork> & {
      readonly start: (name: string) => Effect.Effect<Effect.Effect<void>, AgbError.ConfigurationError>
    }
  ) => Effect.Effect<void, unknown, Agb.Agb | Scope.Scope>,
  options: AgbHosts.Options = {}
) =>
  it.effect(name, () =>
    Effect.scoped(Effect.gen(function*() {
      const network = yield* makeNetwork
      const surroundings = Layer.mergeAll(key, Layer.succeed(Transport.Transport, network.transport))
      const cluster = yield* Layer.build(TestRunner.layer)
      const memo = yield* Layer.makeMemoMap
      const start = (name: string) =>
        Effect.gen(function*() {
          const scope = yield* Scope.make()
          const host = AgbHosts.layerHost({ name, endpoint: `https://${name}.agb.test` })
          yield* Layer.buildWithMemoMap(Layer.provide(host, surroundings), memo, scope).pipe(Effect.provide(cluster))
          return Scope.close(scope, Exit.void)
        })
      const hosts = Layer.provide(AgbHosts.layer(options), surroundings)
      const services = yield* Layer.buildWithMemoMap(hosts, memo, yield* Effect.scope).pipe(Effect.provide(cluster))
      yield* Effect.provide(body({ ...network, start }), services)
    })).pipe(Effect.raceFirst(passing("500 millis"))))

const tagOf = <E extends { readonly _tag: string }>(result: Either.Either<unknown, E>): string =>
  Either.isLeft(result) ? result.left._tag : "Success"

describe("sessions on hosts", () => {
  test("are placed where there are the fewest, and reached and listed from everywhere", ({ backends, start }) =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      yield* start("a")
      yield* Effect.sleep("20 seconds")
      const first = yield* agb.create(params)
      yield* start("b")
      yield* Effect.sleep("20 seconds")
      yield* agb.create(params)
      yield* agb.create(params)
      const last = yield* agb.create(params)
      assert.strictEqual(yield* placed(backends), "aabb")
      const listed = yield* Stream.runCollect(agb.list())
      assert.strictEqual(new Set([...listed].map(({ sessionId }) => sessionId)).size, 4)
      const one = yield* agb.ensure("mine", params)
      assert.strictEqual((yield* agb.ensure("mine", params)).sessionId, one.sessionId)
      const texts = yield* Effect.forEach([first, last], ({ code }) => code.runCode("here", "python"))
      assert.deepStrictEqual(texts.map(({ text }) => text).sort(), ["a here", "b here"])
      yield* Effect.forEach(listed, ({ sessionId }) => agb.delete(sessionId))
      assert.strictEqual((yield* placed(backends)).length, 1)
    }))

  test("go to another host when one takes no more", ({ backends, silent, start }) =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      yield* start("a")
      yield* start("b")
      yield* Effect.sleep("20 seconds")
      silent.add("a")
      const create = Effect.either(agb.create(params))
      assert.deepStrictEqual([tagOf(yield* create), tagOf(yield* create)], ["Success", "Success"])
      assert.strictEqual(yield* placed(backends), "bb")
    }))

  test("are lost with their host, also to whoever waits", ({ silent, start }) =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      yield* start("b")
      yield* Effect.sleep("20 seconds")
      const kept = yield* agb.create(params)
      const end = yield* start("a")
      yield* Effect.sleep("20 seconds")
      const session = yield* agb.create(params)
      const waiting = yield* Effect.forkScoped(
        Effect.either(session.command.executeCommand("wait", { timeout: "10 minutes" }))
      )
      yield* Effect.sleep("5 seconds")
      yield* end
      silent.add("a")
      assert.strictEqual(tagOf(yield* Effect.either(session.status)), "SessionLostError")
      assert.strictEqual(tagOf(yield* Fiber.join(waiting)), "SessionLostError")
      assert.strictEqual(tagOf(yield* Effect.either(Session.attach(session.sessionId))), "SessionLostError")
      assert.strictEqual(yield* kept.status, "RUNNING")
      assert.deepStrictEqual([...yield* Stream.runCollect(agb.list())].map(({ sessionId }) => sessionId), [
        kept.sessionId
      ])
    }))

  test("are not lost because their host cannot be reached for a moment", ({ silent, start }) =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      yield* start("a")
      yield* Effect.sleep("20 seconds")
      const session = yield* agb.create(params)
      silent.add("a")
      const asked = yield* Effect.forkScoped(Effect.either(session.status))
      yield* Effect.sleep("8 seconds")
      silent.delete("a")
      assert.strictEqual(tagOf(yield* Fiber.join(asked)), "TransportError")
      assert.strictEqual(yield* session.status, "RUNNING")
    }))

  test("have no contexts, unless a host keeps them", ({ start }) =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      yield* start("a")
      yield* Effect.sleep("20 seconds")
      const error = yield* Effect.flip(agb.client.getContext({ name: "data", allowCreate: true }))
      assert.strictEqual(error._tag, "InvalidRequestError")
    }))

  test("with contexts go to the host that keeps them", ({ backends, start }) =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      yield* start("a")
      yield* start("b")
      yield* Effect.sleep("20 seconds")
      const { id } = yield* agb.client.getContext({ name: "data", allowCreate: true })
      const contexts = [{ context: id, path: "/home/data" }]
      const create = Effect.either(agb.create({ ...params, contexts }))
      assert.deepStrictEqual([tagOf(yield* create), tagOf(yield* create)], ["Success", "Success"])
      assert.strictEqual(yield* placed(backends), "bb")
    }), { contexts: "b" })

  test("serve entities as any others", ({ silent, start }) =>
    Effect.gen(function*() {
      const end = yield* start("a")
      yield* Effect.sleep("20 seconds")
      const Notebook = AgbEntity.make("Notebook")
      const client = yield* Entity.makeTestClient(Notebook, AgbEntity.layer(Notebook, { session: params })).pipe(
        Effect.provide(ShardingConfig.layer())
      )
      const ada = yield* client("ada")
      yield* ada.writeFile({ key: "1", path: "/tmp/a", content: "a" })
      yield* start("b")
      yield* end
      silent.add("a")
      assert.strictEqual(tagOf(yield* Effect.either(ada.readFile({ path: "/tmp/a" }))), "SessionLostError")
      const { text } = yield* ada.runCode({ key: "2", code: "again", language: "python" })
      assert.strictEqual(text, "b again")
    }))
})
