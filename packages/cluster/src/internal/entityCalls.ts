/** The calls of a session that is an entity, made of the schemas of the SDK. */
import * as AgbError from "@effect-agb/core/AgbError"
import * as ClusterSchema from "@effect/cluster/ClusterSchema"
import * as Rpc from "@effect/rpc/Rpc"
import type * as RpcSchema from "@effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import { CodeResult } from "./codeRuns.js"
import { CommandResult } from "./commands.js"

/** The errors of all calls: those of the SDK. */
export interface Errors extends Schema.Schema<AgbError.AgbError, AgbError.AgbErrorEncoded> {}

const error: Errors = AgbError.AgbError

const timeout = Schema.optional(Schema.DurationFromMillis)

/** What `runCode` and `runCodeStream` are given: the code of a key, its language and its time limit (default: 300 seconds). */
export interface RunCodePayload extends
  Schema.Struct<{
    readonly key: typeof Schema.NonEmptyString
    readonly code: typeof Schema.String
    readonly language: typeof Schema.String
    readonly timeout: Schema.optional<typeof Schema.DurationFromMillis>
  }>
{}

const code: RunCodePayload["fields"] = {
  key: Schema.NonEmptyString,
  code: Schema.String,
  language: Schema.String,
  timeout
}

/** What `commandStream` is given: the command of a key, its time limit, absolute working directory and environment variables. */
export interface CommandStreamPayload extends
  Schema.Struct<{
    readonly key: typeof Schema.NonEmptyString
    readonly command: typeof Schema.String
    readonly timeout: Schema.optional<typeof Schema.DurationFromMillis>
    readonly cwd: Schema.optional<typeof Schema.String>
    readonly envs: Schema.optional<Schema.Record$<typeof Schema.String, typeof Schema.String>>
  }>
{}

const command: CommandStreamPayload["fields"] = {
  key: Schema.NonEmptyString,
  command: Schema.String,
  timeout,
  cwd: Schema.optional(Schema.String),
  envs: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
}

/** What `command` is given beside that: exit codes that count as success, and how many bytes of the end of each stream are kept. */
export interface CommandPayload extends
  Schema.Struct<
    CommandStreamPayload["fields"] & {
      readonly acceptExitCodes: Schema.optional<Schema.Array$<typeof Schema.Int>>
      readonly maxOutputBytes: Schema.optional<typeof Schema.NonNegativeInt>
    }
  >
{}

/** What `writeFile` is given: the whole content of a file at an absolute path. */
export interface WriteFilePayload extends
  Schema.Struct<{
    readonly key: typeof Schema.NonEmptyString
    readonly path: typeof Schema.String
    readonly content: typeof Schema.String
  }>
{}

/** What `readFile` is given. */
export interface ReadFilePayload extends Schema.Struct<{ readonly path: typeof Schema.String }> {}

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

/** All of them. */
export type Calls =
  | Rpc.Rpc<"runCode", RunCodePayload, typeof CodeResult, Errors>
  | Rpc.Rpc<"command", CommandPayload, typeof CommandResult, Errors>
  | Rpc.Rpc<"writeFile", WriteFilePayload, typeof Schema.Void, Errors>
  | Rpc.Rpc<"close", typeof Schema.Void, typeof Schema.Void, Errors>
  | Rpc.Rpc<"readFile", ReadFilePayload, typeof Schema.String, Errors>
  | Rpc.Rpc<"runCodeStream", RunCodePayload, RpcSchema.Stream<typeof CodeEvent, Errors>>
  | Rpc.Rpc<"commandStream", CommandStreamPayload, RpcSchema.Stream<typeof CommandEvent, Errors>>

/** Those that are persisted are stored until they are answered, once for each key. */
export const calls: ReadonlyArray<Calls> = [
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
]
