/** A session that is resumed by its id alone is kept alive as its creator wanted it. */
import { Agb, Session, SessionRef } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { assert, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"

const params = { imageId: "agb-code-space-1", labels: { purpose: "test" } }

const resumedFor = (idleTimeout: "30 seconds" | "5 minutes") =>
  Effect.gen(function*() {
    const agb = yield* Agb.Agb
    const { sessionId } = yield* agb.create({ ...params, idleTimeout }, { keepAlive: false })
    const session = yield* Session.resume(new SessionRef.SessionRef({ sessionId, imageId: "" }))
    for (let step = 0; step < 60; step++) yield* TestClock.adjust("5 seconds")
    return { session, status: yield* session.status, labels: yield* session.getLabels }
  })

it.scoped("a session that is resumed by its id lives on, however short its idle timeout is", () =>
  Effect.gen(function*() {
    const { labels, session, status } = yield* resumedFor("30 seconds")
    assert.strictEqual(status, "RUNNING")
    assert.deepStrictEqual(labels, params.labels)
    assert.strictEqual(session.ref.idleTimeoutSeconds, 30)
    const usual = yield* resumedFor("5 minutes")
    assert.strictEqual(usual.status, "RUNNING")
    assert.isUndefined(usual.session.ref.idleTimeoutSeconds)
  }).pipe(Effect.provide(AgbTest.layer())))
