/** When things happen, to the millisecond, under `TestClock`. */
import { Agb, Code, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Option, Random, Scope, Stream, TestClock } from "effect"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, type FakeOptions, make } from "../support/fakeAgb.js"
import { answers, delay, type Fault, makeGate, rateLimited, refusal, silent, unavailable } from "../support/faults.js"
import { commands, python } from "../support/programs.js"

const imageId = "agb-code-space-1"

/** A fake, the SDK on it, and one session of its own. */
const withSession = <A, E>(
  body: (session: Session.Session, fake: FakeAgb) => Effect.Effect<A, E, Agb.Agb | Scope.Scope>,
  options: FakeOptions & Parameters<FakeAgb["layer"]>[0] = {}
) =>
  Effect.gen(function*() {
    const fake = yield* make(options)
    yield* Effect.scoped(Effect.flatMap(Session.make({ imageId }), (session) => body(session, fake))).pipe(
      Effect.provide(fake.layer(options))
    )
    assert.strictEqual(fake.ledger.live, 0)
    assert.deepStrictEqual(fake.ledger.idledOut, [])
  })

/** Lets a program run while time passes, and says how it stands. */
const during = <A, E, R>(program: Effect.Effect<A, E, R>) => Effect.fork(Effect.exit(program))

const isDone = <A>(fiber: Fiber.Fiber<A>) => Effect.map(Fiber.poll(fiber), Option.isSome)

/** Whether a program ends exactly when it should. */
const endsAfter = <A, E, R>(duration: Duration.DurationInput, program: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* during(program)
    yield* TestClock.adjust(Duration.subtract(duration, "1 milli"))
    assert.isFalse(yield* isDone(fiber), "it ended too early")
    yield* TestClock.adjust("1 milli")
    assert.isTrue(yield* isDone(fiber), "it did not end in time")
    return yield* Effect.flatten(Fiber.join(fiber))
  })

const pauses = (times: ReadonlyArray<number>): ReadonlyArray<number> =>
  times.slice(1).map((time, index) => time - (times[index] ?? 0))

describe.concurrent("keep-alive", () => {
  it.scoped("renews at every third of the idle time, and no more after the end", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      yield* Effect.gen(function*() {
        const scope = yield* Scope.make()
        yield* Scope.extend(Session.make({ imageId, idleTimeout: "90 seconds" }), scope)
        const renewals = Effect.sync(() => fake.ledger.count("refreshSessionIdleTime"))
        yield* TestClock.adjust("29999 millis")
        assert.strictEqual(yield* renewals, 0)
        yield* TestClock.adjust("1 milli")
        assert.strictEqual(yield* renewals, 1)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(yield* renewals, 21)
        assert.deepStrictEqual([...new Set(pauses(fake.ledger.times("refreshSessionIdleTime")))], [30_000])
        yield* Scope.close(scope, Exit.void)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(yield* renewals, 21)
      }).pipe(Effect.provide(fake.layer()))
      assert.deepStrictEqual(fake.ledger.deleted, fake.ledger.created)
    }))

  for (const [title, fault] of [["fail", unavailable("before")], ["hang", silent("before")]] as const) {
    it.scoped(`keeps the session through two renewals that ${title}`, () =>
      withSession((session, fake) =>
        Effect.gen(function*() {
          fake.faults.always("refreshSessionIdleTime", (nth) => nth % 3 < 2 ? fault : undefined)
          yield* TestClock.adjust("20 minutes")
          assert.strictEqual(yield* session.status, "RUNNING")
          yield* fake.expire
          assert.deepStrictEqual(fake.ledger.idledOut, [])
        }), { retry: { maxAttempts: 1 } }))
  }

  it.scoped("that finds the session gone ends every call in flight and every later one", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      const error = yield* Effect.gen(function*() {
        const session = yield* Session.make({ imageId, idleTimeout: "30 seconds" })
        fake.faults.always("run_code", silent("before"))
        fake.faults.always("read_file", silent("before"))
        yield* session.fileSystem.writeFile("/tmp/a", "a")
        const calls = yield* Effect.fork(Effect.all([
          failsWith(session.code.runCode(python.prints.code, "python"), "SessionLostError"),
          failsWith(session.fileSystem.readFile("/tmp/a"), "SessionLostError")
        ], { concurrency: "unbounded" }))
        yield* TestClock.adjust("1 second")
        yield* (yield* Agb.Agb).client.releaseSession({ sessionId: session.sessionId })
        yield* TestClock.adjust("9 seconds")
        const errors = yield* Fiber.join(calls)
        assert.deepStrictEqual(errors.map(({ reason }) => reason), ["KeepAliveLost", "KeepAliveLost"])
        assert.deepStrictEqual(errors.map(({ mayHaveHappened }) => mayHaveHappened), [true, false])
        return yield* failsWith(session.command.executeCommand(commands.prints), "SessionLostError")
      }).pipe(Effect.scoped, Effect.provide(fake.layer()))
      assert.strictEqual(error.reason, "KeepAliveLost")
      assert.strictEqual(fake.ledger.count("shell"), 0)
    }))

  it.scoped("that finds the session gone ends calls that wait before they are repeated", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      yield* Effect.gen(function*() {
        const session = yield* Session.make({ imageId, idleTimeout: "30 seconds" })
        fake.faults.always("run_code", rateLimited("40"))
        const running = yield* during(session.code.runCode(python.prints.code, "python"))
        yield* (yield* Agb.Agb).client.releaseSession({ sessionId: session.sessionId })
        yield* TestClock.adjust("11 seconds")
        assert.isTrue(yield* isDone(running))
        const error = yield* failsWith(Effect.flatten(Fiber.join(running)), "SessionLostError")
        assert.strictEqual(error.reason, "KeepAliveLost")
      }).pipe(Effect.scoped, Effect.provide(fake.layer()))
    }))

  it.scoped("in flight does not hold up the end of the session", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      fake.faults.always("refreshSessionIdleTime", silent("after"))
      const fiber = yield* during(
        Session.use({ imageId, idleTimeout: "30 seconds" }, () => Effect.sleep("10500 millis")).pipe(
          Effect.provide(fake.layer())
        )
      )
      yield* TestClock.adjust("10500 millis")
      assert.isTrue(yield* isDone(fiber))
      assert.strictEqual(fake.ledger.count("refreshSessionIdleTime"), 1)
      assert.strictEqual(fake.ledger.live, 0)
    }))
})

describe.concurrent("repeating", () => {
  it.scoped("pauses between no time and a bound that doubles", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        fake.faults.always("getMcpResource", unavailable("before"))
        const seen: Array<ReadonlyArray<number>> = []
        for (let seed = 0; seed < 5; seed += 1) {
          const before = fake.ledger.count("getMcpResource")
          const fiber = yield* during(Effect.withRandom(failsWith(session.info, "ServerError"), Random.make(seed)))
          yield* TestClock.adjust("1 minute")
          assert.strictEqual((yield* Effect.flatten(Fiber.join(fiber))).status, 503)
          seen.push(pauses(fake.ledger.times("getMcpResource").slice(before)))
        }
        for (const gaps of seen) {
          assert.strictEqual(gaps.length, 3)
          for (const [index, gap] of gaps.entries()) assert.isAtMost(gap, 1000 * 2 ** index)
        }
        assert.isAbove(new Set(seen.flat()).size, 10)
      }), { retry: { baseDelay: Duration.seconds(1), maxDelay: Duration.minutes(1) } }))

  it.scoped("shares one deadline between all attempts", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        const slow: Fault = { ...unavailable("before"), wait: Effect.sleep("4 seconds") }
        fake.faults.always("getMcpResource", slow)
        const error = yield* endsAfter("10 seconds", Effect.flip(session.info))
        assert.strictEqual(error._tag, "TransportError")
        assert.isBelow(fake.ledger.count("getMcpResource"), 4)
      }), { timeout: "10 seconds" }))

  it.scoped("keeps the traffic of an outage near what was offered", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        fake.faults.always("getMcpResource", unavailable("before"))
        const fiber = yield* during(Effect.forEach(Array.from({ length: 200 }), () => Effect.ignore(session.info)))
        yield* TestClock.adjust("10 minutes")
        assert.isTrue(yield* isDone(fiber))
        assert.isAtMost(fake.ledger.count("getMcpResource"), 200 + 25)
      })
    ))
})

describe.concurrent("Retry-After", () => {
  const refused = (status: number, headers: Readonly<Record<string, string>>): Fault =>
    answers("before", refusal(status, "X", "no", headers))

  const waits = (header: string | undefined, from: number, to: number) =>
    it.scoped(`${header ?? "absent"}: waits for ${from} to ${to} ms`, () =>
      withSession((session, fake) =>
        Effect.gen(function*() {
          fake.faults.next("getMcpResource", rateLimited(header))
          const fiber = yield* during(session.info)
          yield* TestClock.adjust("59 seconds")
          assert.isTrue(Exit.isSuccess(yield* Fiber.join(fiber)))
          const [pause = -1] = pauses(fake.ledger.times("getMcpResource"))
          assert.isAtLeast(pause, from)
          assert.isAtMost(pause, to)
        })
      ))

  waits("7", 7000, 7000)
  waits("0.5", 500, 500)
  waits(" 3 ", 3000, 3000)
  waits("Thu, 01 Jan 1970 00:00:09 GMT", 9000, 9000)
  waits("Mon, 01 Jan 1900 00:00:00 GMT", 0, 100)
  for (const header of [undefined, "0", "-5", "NaN", "1e12", "Infinity", "soon", "", "99999999999999999999"]) {
    waits(header, 0, 100)
  }

  it.scoped("is relative to the clock of the server", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        const dates = [
          ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:46 GMT"],
          ["Sunday, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:46 GMT"],
          ["Sun Nov  6 08:49:37 1994", "Sun Nov  6 08:49:46 1994"]
        ] as const
        for (const [date, retryAfter] of dates) {
          const before = fake.ledger.count("getMcpResource")
          fake.faults.next("getMcpResource", refused(429, { date, "retry-after": retryAfter }))
          yield* endsAfter("9 seconds", session.info)
          assert.strictEqual(fake.ledger.count("getMcpResource"), before + 2)
        }
      })
    ))

  for (const status of [408, 500, 502, 503, 504]) {
    it.scoped(`is heeded with status ${status} by everything that is repeated`, () =>
      withSession((session, fake) =>
        Effect.gen(function*() {
          const fault = refused(status, { "retry-after": "9" })
          fake.faults.next("getMcpResource", fault)
          yield* endsAfter("9 seconds", session.info)
          fake.faults.next("refreshSessionIdleTime", fault)
          yield* endsAfter("9 seconds", session.keepAlive)
          fake.faults.next("createSession", fault)
          yield* endsAfter("9 seconds", Session.make({ imageId }))
          // The end of the service waits until the first attempt can no longer complete.
          yield* TestClock.adjust("30 seconds")
        })
      ))
  }

  it.scoped("beyond the deadline ends a call with the error of the server at once", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        for (const header of ["60", "120", "3601", "86400", "Fri, 02 Jan 1970 00:00:00 GMT"]) {
          const before = fake.ledger.count("getMcpResource")
          fake.faults.always("getMcpResource", refused(503, { "retry-after": header }))
          const error = yield* failsWith(session.info, "ServerError")
          assert.isAtLeast(error.retryAfterMillis ?? 0, 60_000)
          assert.strictEqual(fake.ledger.count("getMcpResource"), before + 1)
        }
      })
    ))

  it.scoped("beyond the deadline is told to the caller at once", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        fake.faults.always("getMcpResource", rateLimited("120"))
        const error = yield* failsWith(session.info, "RateLimitedError")
        assert.deepStrictEqual([error.retryAfterMillis, error.retryable, error.mayHaveHappened], [120_000, true, false])
        assert.strictEqual(fake.ledger.count("getMcpResource"), 1)
      })
    ))

  it.scoped("is heeded by run_code, shell and create too: nothing had happened", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        fake.faults.next("run_code", rateLimited("2"))
        fake.faults.next("shell", rateLimited("2"))
        fake.faults.next("createSession", rateLimited("2"), rateLimited("2"))
        const calls = yield* during(Effect.all([
          session.code.runCode(python.prints.code, "python"),
          session.command.executeCommand(commands.prints),
          Session.make({ imageId })
        ]))
        yield* TestClock.adjust("8 seconds")
        assert.isTrue(yield* isDone(calls))
        assert.isTrue(Exit.isSuccess(yield* Fiber.join(calls)))
        assert.deepStrictEqual([fake.ledger.count("run_code"), fake.ledger.count("shell")], [2, 2])
        assert.deepStrictEqual([fake.ledger.count("createSession"), fake.ledger.created.length], [4, 2])
      })
    ))
})

describe.concurrent("deadlines", () => {
  it.scoped("a run has its own timeout and ten seconds on top", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        fake.faults.always("run_code", silent("after"))
        fake.faults.always("shell", silent("after"))
        const run = session.code.runCode(python.prints.code, "python", { timeout: "20 seconds" })
        yield* endsAfter("30 seconds", failsWith(run, "ExecutionUnknownError"))
        yield* endsAfter(
          "310 seconds",
          failsWith(session.code.runCode(python.unicode.code, "python"), "ExecutionUnknownError")
        )
        yield* endsAfter(
          "40 seconds",
          failsWith(session.command.executeCommand(commands.prints), "ExecutionUnknownError")
        )
        assert.deepStrictEqual([fake.ledger.count("run_code"), fake.ledger.count("shell")], [2, 1])
      })
    ))

  it.scoped("everything else has the configured one", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        fake.faults.always("getMcpResource", silent("before"))
        const error = yield* endsAfter("7 seconds", failsWith(session.info, "TransportError"))
        assert.deepStrictEqual([error.reason, error.mayHaveHappened, error.retryable], ["Timeout", false, true])
      }), { timeout: "7 seconds" }))

  it.scoped("hold in finalizers too", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        fake.faults.always("getMcpResource", silent("before"))
        yield* endsAfter("7 seconds", Effect.uninterruptible(failsWith(session.info, "TransportError")))
        const interrupted = Effect.interrupt.pipe(Effect.ensuring(Effect.ignore(session.info)), Effect.exit)
        yield* endsAfter("7 seconds", interrupted)
      }), { timeout: "7 seconds" }))

  it.scoped("a call cut off by an interruption is gone at once", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        fake.faults.always("run_code", silent("before"))
        const run = yield* Effect.fork(session.code.runCode(python.prints.code, "python"))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(run)
      })
    ))
})

describe.concurrent("watching", () => {
  it.scoped("polls at its interval, and stops when it is left", () =>
    withSession((session, fake) =>
      Effect.gen(function*() {
        const watched = session.fileSystem.watchDirectory("/tmp", { interval: "5 seconds" })
        const fiber = yield* Effect.fork(Stream.runDrain(watched))
        yield* TestClock.adjust("26 seconds")
        assert.deepStrictEqual(pauses(fake.ledger.times("get_file_change")).slice(1), [5000, 5000, 5000, 5000])
        yield* Fiber.interrupt(fiber)
        const polls = fake.ledger.count("get_file_change")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(fake.ledger.count("get_file_change"), polls)
      })
    ))
})

describe.concurrent("creating", () => {
  it.scoped("a timeout around a slow create returns on time, and the session is deleted later", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      const gate = yield* makeGate
      fake.faults.next("createSession", gate.fault("before"))
      yield* Effect.gen(function*() {
        const result = yield* endsAfter(
          "3 seconds",
          Effect.timeoutOption(Effect.scoped(Session.make({ imageId })), "3 seconds")
        )
        assert.isTrue(Option.isNone(result))
        yield* gate.open
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([fake.ledger.created.length, fake.ledger.live], [1, 0])
      }).pipe(Effect.provide(fake.layer()))
    }))

  it.scoped("a session that comes long after its create was given up is found and deleted", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      fake.faults.next("createSession", delay(12_000))
      yield* Effect.gen(function*() {
        const creating = yield* Effect.fork(Effect.scoped(Session.make({ imageId })))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(creating)
        yield* TestClock.adjust("60 seconds")
        assert.deepStrictEqual([fake.ledger.created.length, fake.ledger.live], [1, 0])
      }).pipe(Effect.provide(fake.layer()))
    }))

  it.scoped("on a server that never answers fails when its time is over, and is looked for until the server has given up", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      fake.faults.always("createSession", silent("before"))
      const scope = yield* Scope.make()
      const service = yield* Layer.buildWithScope(fake.layer({ timeout: "20 seconds" }), scope)
      const error = yield* endsAfter(
        "20 seconds",
        failsWith(Effect.scoped(Session.make({ imageId })), "TransportError")
      ).pipe(Effect.provide(service))
      assert.deepStrictEqual([error.reason, error.mayHaveHappened], ["Timeout", true])
      assert.strictEqual(fake.ledger.count("createSession"), 1)
      const closing = yield* during(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("19 seconds")
      assert.isFalse(yield* isDone(closing))
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(yield* isDone(closing))
    }))

  /** With the second, the pauses and what is left of the time did not add up to the deadline when they had fractions. */
  for (const random of [0.5, 0.00185]) {
    it.scoped(`attempts share one deadline, with pauses of ${random} of the longest`, () =>
      Effect.gen(function*() {
        const fake = yield* make()
        fake.faults.always("createSession", { ...unavailable("after"), wait: Effect.sleep("8 seconds") })
        const error = yield* endsAfter("20 seconds", Effect.flip(Effect.scoped(Session.make({ imageId })))).pipe(
          Effect.provide(fake.layer({ timeout: "20 seconds" }))
        )
        assert.include(["ServerError", "TransportError"], error._tag)
        assert.isAtMost(fake.ledger.count("createSession"), 3)
        assert.strictEqual(fake.ledger.live, 0)
      }).pipe(Effect.withRandom(Random.fixed([random]))))
  }
})

describe.concurrent("deleting", () => {
  it.scoped("waits until the server says that the session is gone", () =>
    Effect.gen(function*() {
      const fake = yield* make({ deletingMillis: 3000 })
      const fiber = yield* during(Effect.provide(Session.use({ imageId }, () => Effect.void), fake.layer()))
      yield* TestClock.adjust("2900 millis")
      assert.isFalse(yield* isDone(fiber))
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(yield* isDone(fiber))
      assert.strictEqual(fake.ledger.count("releaseSessionAsync"), 1)
    }))

  it.scoped("is given up after its budget, and the result of the program stands", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      fake.faults.always("releaseSessionAsync", silent("before"))
      const { undeleted, value } = yield* Effect.gen(function*() {
        const value = yield* endsAfter("12 seconds", Session.use({ imageId }, () => Effect.succeed(7)))
        return { value, undeleted: yield* (yield* Agb.Agb).undeleted }
      }).pipe(Effect.provide(fake.layer({ deleteBudget: "12 seconds" })))
      assert.strictEqual(value, 7)
      assert.deepStrictEqual(undeleted.map(({ sessionId }) => sessionId), fake.ledger.created)
    }))

  it.scoped("ten sessions of one scope takes as long as one", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      yield* Effect.gen(function*() {
        const scope = yield* Scope.make()
        yield* Scope.extend(Effect.all(Array.from({ length: 10 }, () => Session.make({ imageId }))), scope)
        fake.faults.always("releaseSessionAsync", delay(300))
        yield* endsAfter("300 millis", Scope.close(scope, Exit.void))
        assert.strictEqual(fake.ledger.live, 0)
      }).pipe(Effect.provide(fake.layer()))
    }))
})

describe.concurrent("modules as services", () => {
  it.scoped("a layer that is used twice is one session", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      const session = Session.layer({ imageId })
      const run = Effect.flatMap(Code.Code, (code) => code.runCode(python.prints.code, "python"))
      yield* Effect.zipRight(run, run).pipe(Effect.provide(session), Effect.provide(fake.layer()))
      assert.deepStrictEqual([fake.ledger.created.length, fake.ledger.live], [1, 0])
    }))
})
