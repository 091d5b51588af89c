/** What the runners of the gate do: six steps in one session, each of which leaves a line in a ledger outside. */
import { AgbWorkflow } from "@effect-agb/cluster"
import { AgbError, FileSystem } from "@effect-agb/core"
import * as Workflow from "@effect/workflow/Workflow"
import { Effect, Schema } from "effect"

/** Of a session without isolation, which can write to the ledger. */
const imageId = "agb-code-space-1"

/** What a job saw in its session. */
export class Seen extends Schema.Class<Seen>("Seen")({
  sessionId: Schema.String,
  /** The file that two steps wrote. */
  text: Schema.String,
  /** Exit codes of the two commands. */
  exitCodes: Schema.Array(Schema.Int),
  /** What the first command printed. */
  stdout: Schema.String,
  /** How often the kernel ran the code of each step. */
  runs: Schema.String
}) {}

export const Job = Workflow.make({
  name: "Job",
  payload: { id: Schema.String, ledger: Schema.String, seconds: Schema.Number },
  success: Seen,
  error: AgbError.AgbError,
  idempotencyKey: ({ id }) => id
}).annotate(Workflow.CaptureDefects, false)

export const steps = ["write", "slow", "count", "claim", "fail", "again"] as const

/** One write, whole among those of others. The home tells sessions apart. */
const shellLine = (ledger: string, id: string, step: string) => `echo "${id} ${step} $HOME" >> '${ledger}'`

const codeLine = (ledger: string, id: string, step: string) =>
  `process.getBuiltinModule("node:fs").appendFileSync(${JSON.stringify(ledger)}, ` +
  `${JSON.stringify(`${id} ${step} `)} + process.env.HOME + "\\n")`

/** The file that a step makes by its claim is made once, whoever comes first. */
const claimOnce = (text: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    files.writeFile("/tmp/claimed", text, { mode: "create_new" }).pipe(
      Effect.catchIf(
        (error) => error._tag === "FileError" && error.reason === "AlreadyExists",
        () => Effect.void
      )
    ))

export const layer = Job.toLayer(({ id, ledger, seconds }) =>
  Effect.gen(function*() {
    const session = yield* AgbWorkflow.session({ imageId })
    const { sessionId } = yield* session.ref
    const run = (name: string, code: string) => session.runCode(name, code, "javascript", { timeout: "5 seconds" })
    const code = (name: string) => {
      const effect = `${codeLine(ledger, id, name)}; runs.${name} = (runs.${name} ?? 0) + 1`
      const seen = `Object.values(runs).join(" ")`
      return run(name, `globalThis.runs ??= {}; ${effect}; ${seen}`).pipe(
        // A runner that is killed while the code runs takes the outcome with it, but the kernel knows whether it ran.
        Effect.catchTag("ExecutionUnknownError", () =>
          run(`${name}, unless it ran`, `globalThis.runs ??= {}; if (runs.${name} === undefined) { ${effect} }; ${seen}`))
      )
    }
    yield* session.step("write", {
      execute: Effect.flatMap(FileSystem.FileSystem, (files) => files.writeFile("/tmp/written", `${id} `))
    })
    const slow = yield* session.command("slow", `${shellLine(ledger, id, "slow")}; sleep ${seconds}; echo ${id}`)
    yield* code("count")
    yield* session.step("claim", { execute: claimOnce(id) })
    const failed = yield* session.command(
      "fail",
      `cat "\${TMPDIR:-/tmp}/written" "\${TMPDIR:-/tmp}/claimed"; ${shellLine(ledger, id, "fail")}; exit 7`,
      { acceptExitCodes: [7] }
    )
    const { text: runs } = yield* code("again")
    return new Seen({
      sessionId,
      text: failed.stdout,
      exitCodes: [slow.exitCode, failed.exitCode],
      stdout: slow.stdout,
      runs
    })
  })
)
