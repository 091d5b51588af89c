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

type Session = AgbWorkflow.DurableSession

/** A command takes effect once, whatever becomes of the runner that started it. */
const told = (
  session: Session,
  { id, ledger }: typeof Job.payloadSchema.Type,
  step: string,
  rest: string,
  exitCode: number
) => session.command(step, `${shellLine(ledger, id, step)}; ${rest}; exit ${exitCode}`, { acceptExitCodes: [exitCode] })

/** What a runner that is killed takes with it is asked of the kernel, which knows whether it happened, under another name. */
const settled = <A, E extends { readonly _tag: string }, R>(
  step: string,
  first: (name: string) => Effect.Effect<A, E, R>,
  again: (name: string) => Effect.Effect<A, E, R>
) => {
  const attempt = (nth: number): Effect.Effect<A, E, R> =>
    nth < 8 ? Effect.catchIf(again(`${step}, unless it was (${nth})`), isUnknown, () => attempt(nth + 1)) : again(step)
  return Effect.catchIf(first(step), isUnknown, () => attempt(1))
}

const isUnknown = ({ _tag }: { readonly _tag: string }): boolean => _tag === "ExecutionUnknownError"

/** Code of which the kernel knows how often it ran. */
const counted = (session: Session, { id, ledger }: typeof Job.payloadSchema.Type, step: string) => {
  const effect = `${codeLine(ledger, id, step)}; runs.${step} = (runs.${step} ?? 0) + 1`
  const seen = "Object.entries(runs).flat().join(' ')"
  const run = (code: string) => (name: string) =>
    session.runCode(name, `globalThis.runs ??= {}; ${code}; console.log(${seen})`, "javascript", {
      timeout: "5 seconds"
    })
  return Effect.map(
    settled(step, run(effect), run(`if (runs.${step} === undefined) { ${effect} }`)),
    ({ stdout }) => stdout.trim()
  )
}

/** A file that is made once, whoever comes first, and though the reply is lost. */
const claimOnce = (text: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.writeFile("/tmp/claimed", text, { mode: "create_new" })).pipe(
    Effect.retry({ while: ({ _tag }) => _tag === "TransportError", times: 10 }),
    Effect.catchIf((error) => error._tag === "FileError" && error.reason === "AlreadyExists", () => Effect.void)
  )

export const layer = Job.toLayer((job) =>
  Effect.gen(function*() {
    const { id, seconds } = job
    const session = yield* AgbWorkflow.session({ imageId: "agb-code-space-1" })
    yield* session.step("write", {
      execute: Effect.flatMap(FileSystem.FileSystem, (files) => files.writeFile("/tmp/written", `${id} `))
    })
    const slow = yield* told(session, job, "slow", `sleep ${seconds}; echo ${id}`, codes[0])
    yield* counted(session, job, "count")
    yield* session.step("claim", { execute: claimOnce(id) })
    const files = "cat \"${TMPDIR:-/tmp}/written\" \"${TMPDIR:-/tmp}/claimed\""
    const failed = yield* told(session, job, "fail", files, codes[1])
    const runs = yield* counted(session, job, "again")
    return new Seen({ text: failed.stdout, exitCodes: [slow.exitCode, failed.exitCode], stdout: slow.stdout, runs })
  })
)
