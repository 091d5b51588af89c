/** The messages between the host and the agent of a sandbox, inside the frames of `agentWire/frames.ts`. */
import type { Language } from "@effect-agb/core/AgbTools"
import * as Schema from "effect/Schema"
import type { JsonLimits } from "../../agentWire/jsonLimits.js"

/** Writes `length` bytes of the body at `offset` of the file `path`; `commit` then renames it to its final path. */
export interface FilePart {
  readonly path: string
  readonly offset: number
  readonly length: number
  readonly commit?: string
  readonly mode?: number
}

/** A file that is written as a whole. */
export interface FileWrite {
  readonly path: string
  readonly mode: "overwrite" | "append" | "create_new"
  readonly permissions?: number | undefined
}

/** A part of a file; without a length up to its end. */
export interface FileRange {
  readonly path: string
  readonly offset: number
  readonly length: number | null
}

/** A call to the agent. Paths are those inside the sandbox. */
export type SandboxCall =
  | { readonly op: "ping" | "metrics" | "listProcesses" }
  | {
    readonly op: "shell"
    readonly command: string
    readonly cwd?: string
    readonly envs?: Readonly<Record<string, string>>
    readonly timeoutMs: number
    readonly maxOutputBytes?: number
  }
  | {
    readonly op: "runCode"
    readonly language: Language
    readonly code: string
    readonly timeoutMs: number
    readonly maxOutputBytes?: number
  }
  | { readonly op: "readFile"; readonly path: string; readonly offset: number; readonly length: number | null }
  | ({ readonly op: "writeFile" } & FileWrite)
  | ({ readonly op: "streamRead"; readonly handOver?: number | undefined } & FileRange)
  | ({ readonly op: "streamWrite" | "handWrite" } & FileWrite)
  | {
    readonly op: "createDirectory" | "deleteFile" | "fileInfo" | "listDirectory" | "describeDirectory" | "fileChange"
    readonly path: string
  }
  | {
    readonly op: "editFile"
    readonly path: string
    readonly edits: ReadonlyArray<{ readonly oldText: string; readonly newText: string }>
    readonly dryRun: boolean
  }
  | { readonly op: "listTree"; readonly path: string; readonly recursive: boolean; readonly maxEntries: number }
  | { readonly op: "readFiles"; readonly files: ReadonlyArray<{ readonly path: string; readonly length: number }> }
  | { readonly op: "readPart"; readonly path: string; readonly offset: number; readonly length: number }
  | { readonly op: "writeParts"; readonly parts: ReadonlyArray<FilePart> }
  | { readonly op: "tunnel"; readonly port: number }
  | { readonly op: "egress"; readonly port: number; readonly connections: number }
  | { readonly op: "accept"; readonly connection: number }
  | {
    readonly op: "refuse"
    readonly connection: number
    readonly reason: EgressFailure
    readonly message: string
  }
  | { readonly op: "moveFile"; readonly source: string; readonly destination: string }
  | {
    readonly op: "searchFiles"
    readonly path: string
    readonly pattern: string
    readonly excludePatterns: ReadonlyArray<string>
  }

/** Why a connection to the outside was not made. */
export type EgressFailure = "forbidden" | "unknown" | "unreachable" | "closed" | "late"

/** The call was rejected or failed; the sandbox itself is healthy. `code` is an errno-like name such as ENOENT. */
export class SandboxFailure extends Schema.TaggedError<SandboxFailure>()("SandboxFailure", {
  code: Schema.String.pipe(Schema.pattern(/^[A-Z][A-Z0-9_]{1,31}$/)),
  message: Schema.String
}) {}

/** The sandbox is gone, with everything in it. */
export class SandboxLost extends Schema.TaggedError<SandboxLost>()("SandboxLost", {
  reason: Schema.String
}) {
  override get message(): string {
    return `The sandbox is gone: ${this.reason}`
  }
}

/** The sandbox could not be built, or its agent did not become ready. */
export class SandboxStartError extends Schema.TaggedError<SandboxStartError>()("SandboxStartError", {
  reason: Schema.String
}) {
  override get message(): string {
    return `The sandbox did not start: ${this.reason}`
  }
}

/** The answer to a successful call. `value` is not decoded yet, and untrusted. */
export interface SandboxAnswer {
  readonly value: unknown
  readonly body: Uint8Array
}

/** A large answer as it came, whose value costs too much to be parsed on the event loop. It shares its memory with nothing. */
export interface LargeAnswer {
  /** JSON in UTF-8. */
  readonly json: Uint8Array
  readonly limits: JsonLimits
  readonly body: Uint8Array
  /** To be added to standard error. */
  readonly notice: string | undefined
}

/** A chunk of a stream, or a displayed result as JSON. */
export interface SandboxOutput {
  readonly event: "stdout" | "stderr" | "result"
  readonly body: Uint8Array
}

/** What comes from a tunnel; `consumed` acknowledges bytes that have reached the port. */
export type TunnelEvent =
  | { readonly event: "open" | "end" }
  | { readonly event: "data"; readonly body: Uint8Array }
  | { readonly event: "consumed"; readonly bytes: number }

/** A file that is being read: its whole size, and its attributes. */
export type FileHead = typeof File.Type

/** A file that the agent holds open under this number, for the host to open it too. */
export type OfferedFile = typeof Offered.Type

/** What comes from a file that is streamed; `consumed` acknowledges bytes that were written to it. */
export type FileEvent = FileHead | OfferedFile | Exclude<TunnelEvent, { readonly event: "open" | "end" }>

/**
 * Input to a running call: `consumed` acknowledges bytes of its output; `last` ends the bytes sent to a tunnel's port; `taken`
 * says whether a file that was offered is read by the host itself, `written` how many bytes the host has written to one,
 * `givenUp` that nothing is to be left of it.
 */
export interface SandboxInput {
  readonly consumed?: number
  readonly last?: boolean
  readonly taken?: boolean
  readonly written?: number
  readonly givenUp?: boolean
}

/** What comes from the egress proxy inside: it listens, or a program requests a connection. */
export type EgressEvent =
  | { readonly event: "listening" }
  | {
    readonly event: "connect"
    /** The agent's number for the request. */
    readonly connection: number
    readonly host: string
    readonly port: number
  }

/** `pid` is that of the agent as it sees itself. No code of users has run by then. */
const Ready = Schema.Struct({ ready: Schema.Literal(true), pid: Schema.optional(Schema.NonNegativeInt) })

const Output = Schema.Struct({ event: Schema.Literal("stdout", "stderr", "result") })

const Tunnel = Schema.Union(
  Schema.Struct({ event: Schema.Literal("open", "end") }),
  Schema.Struct({ event: Schema.Literal("data") }),
  Schema.Struct({ event: Schema.Literal("consumed"), bytes: Schema.NonNegativeInt })
)

const File = Schema.Struct({
  event: Schema.Literal("file"),
  size: Schema.NonNegativeInt,
  mode: Schema.Int.pipe(Schema.between(0, 0o7777)),
  mtimeMs: Schema.Number.pipe(Schema.finite()),
  /** Whether the file certainly stayed as it was while the range was read. */
  isStable: Schema.Boolean
})

const Offered = Schema.Struct({
  event: Schema.Literal("descriptor"),
  fd: Schema.Int.pipe(Schema.between(0, 0x7fffffff))
})

const Egress = Schema.Union(
  Schema.Struct({ event: Schema.Literal("listening") }),
  Schema.Struct({
    event: Schema.Literal("connect"),
    connection: Schema.NonNegativeInt,
    host: Schema.String.pipe(Schema.maxLength(255)),
    port: Schema.Int.pipe(Schema.between(1, 65_535))
  })
)

const Succeeded = Schema.Struct({ ok: Schema.Literal(true), value: Schema.Unknown })

const Failed = Schema.Struct({
  ok: Schema.Literal(false),
  code: SandboxFailure.fields.code,
  message: Schema.String.pipe(Schema.maxLength(65_536))
})

/** The first frame, on id 0. */
export const decodeReady = Schema.decodeUnknownEither(Ready)

/** Every other frame. */
export const decodeReply = Schema.decodeUnknownEither(
  Schema.Union(Output, Succeeded, Failed, Tunnel, File, Offered, Egress)
)
