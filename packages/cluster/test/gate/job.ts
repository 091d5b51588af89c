/** What the runners of the gate do: six steps in one session, four of which leave a line in a ledger outside. */
import { AgbWorkflow } from "@effect-agb/cluster"
import { AgbError, FileSystem } from "@effect-agb/core"
import * as Workflow from "@effect/workflow/Workflow"
import { Effect, Schema } from "effect"

/** What a job saw in its session. */
export class Seen extends Schema.Class<Seen>("Seen")({
  /** The files that two steps wrote. */
  text: Schema.String,
  /** Exit codes of the two commands. */
  exitCodes: Schema.Array(Schema.Int),
  /** What the first command printed. */
  stdout: Schema.String,
  /** How often the kernel ran the code of which step. */
  runs: Schema.String
}) {}

export const codes = [0, 7] as const

export const Job = Workflow.make({
  name: "Job",
  payload: { id: Schema.String, ledger: Schema.String, seconds: Schema.Number },
  success: Seen,
  error: AgbError.AgbError,
  idempotencyKey: ({ id }) => id
}).annotate(Workflow.CaptureDefects, false)

/** Each line is one write, and so whole among those of others. The home tells sessions apart. */
const shellLine = (ledger: string, id: string, step: string) => `echo "${id} ${step} $HOME" >> '${ledger}'`

const codeLine = (ledger: string, id: string, step: string) =>
  `process.getBuiltinModule("node:fs").appendFileSync("${ledger}", "${id} ${step} " + process.env.HOME + "\\n")`

/** Runs code in the session; a kernel remembers what it ran. */
const counted = (session: AgbWorkflow.DurableSession, ledger: string, id: string, step: string) => {
  const effect = `${codeLine(ledger, id, step)}; runs.${step} = (runs.${step} ?? 0) + 1`
  const seen = "Object.entries(runs).flat().join(' ')"
  const run = (name: string, code: string) =>
    session.runCode(name, `globalThis.runs ??= {}; ${code}; console.log(${seen})`, "javascript", {
      timeout: "5 seconds"
    })
  return run(step, effect).pipe(
    // A runner that is killed while the code runs takes the outcome with it, but the kernel knows whether it ran.
    Effect.catchTag(
      "ExecutionUnknownError",
      () => run(`${step}, unless it ran`, `if (runs.${step} === undefined) { ${effect} }`)
    ),
    Effect.map(({ stdout }) => stdout.trim())
  )
}

/** A file that is made once, whoever comes first. */
const claimOnce = (text: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.writeFile("/tmp/claimed", text, { mode: "create_new" })).pipe(
    Effect.catchIf((error) => error._tag === "FileError" && error.reason === "AlreadyExists", () => Effect.void)
  )

export const layer = Job.toLayer(({ id, ledger, seconds }) =>
  Effect.gen(function*() {
    const session = yield* AgbWorkflow.session({ imageId: "agb-code-space-1" })
    yield* session.step("write", {
      execute: Effect.flatMap(FileSystem.FileSystem, (files) => files.writeFile("/tmp/written", `${id} `))
    })
    const slow = yield* session.command("slow", `${shellLine(ledger, id, "slow")}; sleep ${seconds}; echo ${id}`)
    yield* counted(session, ledger, id, "count")
    yield* session.step("claim", { execute: claimOnce(id) })
    const failed = yield* session.command(
      "fail",
      `cat "\${TMPDIR:-/tmp}/written" "\${TMPDIR:-/tmp}/claimed"; ${shellLine(ledger, id, "fail")}; exit ${codes[1]}`,
      { acceptExitCodes: [codes[1]] }
    )
    const runs = yield* counted(session, ledger, id, "again")
    return new Seen({ text: failed.stdout, exitCodes: [slow.exitCode, failed.exitCode], stdout: slow.stdout, runs })
  })
)
