/** Sessions of workflows: once in effect however often a step runs, and gone when the workflow ends, but not before. */
import { AgbWorkflow } from "@effect-agb/cluster"
import { Agb, AgbError, Session } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Workflow, WorkflowEngine } from "@effect/workflow"
import { Deferred, Effect, Either, Fiber, Layer, Schema, type Scope, Stream } from "effect"
import { params, passing } from "./support/fixtures.js"

const runtime = Layer.unwrapEffect(
  Effect.map(Isolation.probe("none"), (isolation) => LocalAgb.layer({ isolation, poolSize: 0 }))
)

type Steps = Effect.Effect<
  string,
  AgbError.AgbError,
  Agb.Agb | WorkflowEngine.WorkflowEngine | WorkflowEngine.WorkflowInstance | Scope.Scope
>

let workflows = 0

/** A workflow of these steps. */
const workflowOf = (steps: Steps, capturesDefects = true) => {
  const workflow = Workflow.make({
    name: `Test${workflows++}`,
    payload: { id: Schema.String },
    success: Schema.String,
    error: AgbError.AgbError,
    idempotencyKey: ({ id }) => id
  }).annotate(Workflow.CaptureDefects, capturesDefects)
  const layer = workflow.toLayer(() => steps)
  return {
    workflow,
    /** On an engine of its own, which remembers nothing of what others ran, as if the record of every step had been lost. */
    run: Effect.suspend(() => workflow.execute({ id: "one" })).pipe(
      Effect.provide(layer.pipe(Layer.provideMerge(WorkflowEngine.layerMemory)))
    )
  }
}

const sessionIds = Effect.flatMap(
  Agb.Agb,
  (agb) => Effect.map(Stream.runCollect(agb.list({})), (all) => [...all].map(({ sessionId }) => sessionId))
)

/** Runs steps until they are at the gate, ends the engine there, and runs them again on another. */
const interruptedAt = (steps: (gate: Effect.Effect<void>) => Steps) =>
  Effect.gen(function*() {
    const reached = yield* Deferred.make<void>()
    let isFirst = true
    const gate = Effect.suspend(() => {
      if (!isFirst) return Effect.void
      isFirst = false
      return Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)
    })
    const { run } = workflowOf(steps(gate))
    const first = yield* Effect.fork(run)
    yield* Deferred.await(reached)
    yield* Fiber.interrupt(first)
    const between = yield* sessionIds
    return { between, result: yield* run }
  })

const tagOf = <E extends { readonly _tag: string }>(result: Either.Either<unknown, E>): string =>
  Either.isLeft(result) ? result.left._tag : "Success"

const count = (session: AgbWorkflow.DurableSession) =>
  session.command("count", "cat counts 2>/dev/null | wc -l").pipe(Effect.map(({ stdout }) => stdout.trim()))

describe("a session of a workflow", () => {
  it.effect("outlives the engine, and is deleted when the workflow ends", () =>
    Effect.gen(function*() {
      const refs: Array<string> = []
      const { between, result } = yield* interruptedAt((gate) =>
        Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params)
          refs.push((yield* session.ref).sessionId)
          yield* session.step("keep", {
            execute: Effect.flatMap(Session.Session, ({ code }) => code.runCode("globalThis.kept = 41", "javascript"))
              .pipe(Effect.asVoid)
          })
          yield* gate
          const { text } = yield* session.runCode("use", "kept + 1", "javascript")
          return text
        })
      )
      assert.strictEqual(result, "42")
      assert.deepStrictEqual(between, [refs[0]])
      assert.deepStrictEqual(refs, [refs[0], refs[0]])
      assert.deepStrictEqual(yield* sessionIds, [])
    }).pipe(Effect.provide(runtime)))

  it.effect("is deleted when the workflow fails, and when it is interrupted", () =>
    Effect.gen(function*() {
      const failing = workflowOf(
        Effect.flatMap(AgbWorkflow.session(params), (session) =>
          Effect.map(session.command("fail", "echo out; exit 3"), ({ stdout }) => stdout))
      )
      const error = yield* Effect.flip(failing.run)
      assert.strictEqual(error._tag === "CommandExitError" && `${error.exitCode} ${error.stdout}`, "3 out\n")
      assert.deepStrictEqual(yield* sessionIds, [])

      const started = yield* Deferred.make<void>()
      const { workflow } = workflowOf(Effect.succeed(""))
      const waiting = workflow.toLayer(() =>
        Effect.gen(function*() {
          yield* AgbWorkflow.session(params)
          yield* Deferred.succeed(started, undefined)
          return yield* Effect.never
        })
      )
      yield* Effect.gen(function*() {
        const fiber = yield* Effect.fork(workflow.execute({ id: "one" }))
        yield* Deferred.await(started)
        assert.strictEqual((yield* sessionIds).length, 1)
        yield* workflow.interrupt(yield* workflow.executionId({ id: "one" }))
        yield* Fiber.interrupt(fiber)
      }).pipe(Effect.provide(waiting.pipe(Layer.provideMerge(WorkflowEngine.layerMemory))))
      assert.deepStrictEqual(yield* sessionIds, [])
    }).pipe(Effect.provide(runtime)))

  it.effect("stays where a defect lets the workflow run again, and is deleted where it ends it", () =>
    Effect.gen(function*() {
      const dying = (captures: boolean) => {
        const steps = Effect.zipRight(AgbWorkflow.session(params), Effect.dieMessage("no database"))
        return Effect.exit(workflowOf(steps, captures).run)
      }
      yield* dying(true)
      assert.strictEqual((yield* sessionIds).length, 0)
      yield* dying(false)
      assert.strictEqual((yield* sessionIds).length, 1)
    }).pipe(Effect.provide(runtime)))

  it.effect("bears with what passes, and with nothing else", () =>
    Effect.gen(function*() {
      const failing = (retryable: boolean, times: number) => {
        let left = times
        const error = new AgbError.TransportError({
          operation: "test",
          reason: "Unreachable",
          detail: "",
          mayHaveHappened: !retryable,
          retryable
        })
        const { run } = workflowOf(
          Effect.gen(function*() {
            const session = yield* AgbWorkflow.session(params)
            yield* session.step("flaky", {
              execute: Effect.suspend(() => left-- > 0 ? Effect.fail(error) : Effect.void)
            })
            return `${left}`
          })
        )
        return Effect.raceFirst(Effect.either(run), passing("100 millis"))
      }
      assert.deepStrictEqual(yield* failing(true, 15), Either.right("-1"))
      assert.strictEqual(tagOf(yield* failing(true, 100)), "TransportError")
      assert.strictEqual(tagOf(yield* failing(false, 1)), "TransportError")
    }).pipe(Effect.provide(runtime)))

  it.effect("that is lost fails its steps, or is made again", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const steps = (onLost: "fail" | "recreate") =>
        workflowOf(Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params, { onLost })
          const first = yield* session.ref
          yield* session.command("mark", "echo lost > mark")
          yield* agb.delete(first.sessionId)
          // Two that meet the loss together share the next session.
          const [{ stdout }] = yield* Effect.all([
            session.command("look", "cat mark 2>/dev/null || echo fresh"),
            session.command("also", "true")
          ], { concurrency: 2 })
          const second = yield* session.ref
          return `${stdout.trim()} ${first.sessionId !== second.sessionId} ${(yield* sessionIds).length}`
        }))
      assert.strictEqual(tagOf(yield* Effect.either(steps("fail").run)), "SessionLostError")
      assert.strictEqual(yield* steps("recreate").run, "fresh true 1")
      assert.deepStrictEqual(yield* sessionIds, [])
    }).pipe(Effect.provide(runtime)))
})

describe("a command of a workflow", () => {
  it.effect("takes effect once though the engine forgets that it ran", () =>
    Effect.gen(function*() {
      const { result } = yield* interruptedAt((gate) =>
        Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params)
          const { exitCode, isWhole, stdout } = yield* session.command("once", "echo x >> counts; echo 12345; exit 7", {
            acceptExitCodes: [7],
            maxOutputBytes: 3
          })
          yield* gate
          return [exitCode, isWhole, JSON.stringify(stdout), yield* count(session)].join(" ")
        })
      )
      assert.strictEqual(result, `7 false "45\\n" 1`)
    }).pipe(Effect.provide(runtime)))

  it.live("goes on while its runner is away, and ends at its time limit", () =>
    Effect.gen(function*() {
      const { result } = yield* interruptedAt((gate) =>
        Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params)
          const { sessionId } = yield* session.ref
          // The runner ends once the command has begun.
          const begun = Effect.gen(function*() {
            const { fileSystem } = yield* Session.attach(sessionId)
            yield* Effect.repeat(fileSystem.exists("/tmp/begun"), { until: (exists) => exists })
            yield* gate
          })
          const slow = session.command("slow", "echo x >> counts; touch ${TMPDIR:-/tmp}/begun; sleep 2; echo done")
          const [{ stdout }] = yield* Effect.all([slow, begun], { concurrency: 2 })
          const late = yield* Effect.either(session.command("late", "sleep 60", { timeout: "200 millis" }))
          return [stdout.trim(), yield* count(session), tagOf(late)].join(" ")
        })
      )
      assert.strictEqual(result, "done 1 ExecutionTimeoutError")
    }).pipe(Effect.provide(runtime)))
})

describe("code of a workflow", () => {
  it.effect("runs once though the engine forgets that it ran, also if it raised an error", () =>
    Effect.gen(function*() {
      const { result } = yield* interruptedAt((gate) =>
        Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params)
          const { results, stdout, text } = yield* session.runCode(
            "run",
            "globalThis.runs = (globalThis.runs ?? 0) + 1; console.log('ran'); runs",
            "javascript"
          )
          const raised = yield* Effect.either(
            session.runCode(
              "raise",
              "globalThis.raised = (globalThis.raised ?? 0) + 1; throw new RangeError('far')",
              "javascript"
            )
          )
          yield* gate
          const { text: counts } = yield* session.runCode("counts", "`${runs} ${raised}`", "javascript")
          return [text, stdout.trim(), results.length, tagOf(raised), counts].join(" ")
        })
      ).pipe(Effect.raceFirst(passing("100 millis")))
      assert.strictEqual(result, "1 ran 1 CodeExecutionError '1 1'")
    }).pipe(Effect.provide(runtime)))

  it.effect("that was claimed too long ago does not run any more, since others do not wait for it", () =>
    Effect.gen(function*() {
      const { run } = workflowOf(
        Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params)
          const late = yield* Effect.either(session.runCode("late", "globalThis.ran = true", "javascript"))
          const { text } = yield* session.runCode("look", "typeof ran", "javascript")
          return [tagOf(late), text].join(" ")
        })
      )
      assert.strictEqual(yield* Effect.raceFirst(run, passing("100 millis")), "ExecutionUnknownError 'undefined'")
    }).pipe(
      // Each takes a minute, the deadline of a call.
      Effect.provide(runtime.pipe(
        Layer.provide(AgbTest.faults({ write_file: [AgbTest.silence("before"), AgbTest.silence("before")] }))
      ))
    ))

  it.effect("whose outcome nobody recorded does not run again", () =>
    Effect.gen(function*() {
      const { result } = yield* interruptedAt((gate) =>
        Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params)
          const { sessionId } = yield* session.ref
          const run = yield* Effect.either(
            session.runCode("lost", "globalThis.runs = (globalThis.runs ?? 0) + 1", "javascript", {
              timeout: "1 second"
            })
          )
          // What a runner that is killed during the run leaves is the claim alone.
          const { command } = yield* Session.attach(sessionId)
          yield* command.executeCommand("rm -f ${TMPDIR:-/tmp}/.agb-run-*.json")
          yield* gate
          const { text } = yield* session.runCode("count", "runs", "javascript")
          return [tagOf(run), text].join(" ")
        })
      ).pipe(Effect.raceFirst(passing("100 millis")))
      assert.strictEqual(result, "ExecutionUnknownError 1")
    }).pipe(Effect.provide(runtime)))

  it.live("that could not begin may be tried again", () =>
    Effect.gen(function*() {
      const { run } = workflowOf(
        Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params)
          const first = yield* Effect.either(session.runCode("run", "1", "cobol"))
          const { sessionId } = yield* session.ref
          const { command } = yield* Session.attach(sessionId)
          const { stdout } = yield* command.executeCommand("ls -A ${TMPDIR:-/tmp} | grep -c agb-run", {
            acceptExitCodes: [0, 1]
          })
          return [tagOf(first), stdout.trim()].join(" ")
        })
      )
      assert.strictEqual(yield* run, "InvalidRequestError 0")
    }).pipe(Effect.provide(runtime)))
})
