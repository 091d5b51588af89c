/** The calls of a session that is an entity, made of the schemas of the SDK. */
import * as AgbError from "@effect-agb/core/AgbError"
import * as ClusterSchema from "@effect/cluster/ClusterSchema"
import * as Rpc from "@effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { CodeResult } from "./codeRuns.js"
import { CommandResult } from "./commands.js"

const error = AgbError.AgbError

const timeout = Schema.optional(Schema.DurationFromMillis)

const code = { key: Schema.NonEmptyString, code: Schema.String, language: Schema.String, timeout }

const command = {
  key: Schema.NonEmptyString,
  command: Schema.String,
  timeout,
  cwd: Schema.optional(Schema.String),
  envs: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
}

const output = [
  Schema.TaggedStruct("Stdout", { text: Schema.String }),
  Schema.TaggedStruct("Stderr", { text: Schema.String })
] as const

/** Events of `runCodeStream`. The last one is `Completed`. */
export const CodeEvent = Schema.Union(
  ...output,
  Schema.TaggedStruct("Result", { item: AgbError.CodeResultItem }),
  Schema.TaggedStruct("Completed", { result: CodeResult, isWhole: Schema.Boolean })
)

/** Events of `commandStream`. The last one is `Exited`, whatever the exit code. */
export const CommandEvent = Schema.Union(
  ...output,
  Schema.TaggedStruct("Exited", { exitCode: Schema.Int, timedOut: Schema.Boolean })
)

const byKey = ({ key }: { readonly key: string }): string => key

/** Those that are persisted are stored until they are answered, once for each key. */
export const calls = [
  Rpc.make("runCode", { payload: code, success: CodeResult, error, primaryKey: byKey })
    .annotate(ClusterSchema.Persisted, true),
  Rpc.make("command", {
    payload: {
      ...command,
      acceptExitCodes: Schema.optional(Schema.Array(Schema.Int)),
      maxOutputBytes: Schema.optional(Schema.NonNegativeInt)
    },
    success: CommandResult,
    error,
    primaryKey: byKey
  }).annotate(ClusterSchema.Persisted, true),
  Rpc.make("writeFile", {
    payload: { key: Schema.NonEmptyString, path: Schema.String, content: Schema.String },
    error,
    primaryKey: byKey
  }).annotate(ClusterSchema.Persisted, true),
  Rpc.make("close", { error }).annotate(ClusterSchema.Persisted, true),
  Rpc.make("readFile", { payload: { path: Schema.String }, success: Schema.String, error }),
  Rpc.make("runCodeStream", { payload: code, success: CodeEvent, error, stream: true }),
  Rpc.make("commandStream", { payload: command, success: CommandEvent, error, stream: true })
] as const

/** All of them. */
export type Calls = (typeof calls)[number]
