/** Messages between the host and the agent of a sandbox, inside the frames of `agentWire/frames.ts`. */
import type { Language } from "@effect-agb/core/AgbTools"
import * as Schema from "effect/Schema"

/** `length` bytes of the body, to be put at `offset` of the file `path`, which with `commit` then becomes that file. */
export interface FilePart {
  readonly path: string
  readonly offset: number
  readonly length: number
  readonly commit?: string
  readonly mode?: number
}

/** A call to the agent; what each answers is in the agent's own documentation. Paths are those inside the sandbox. */
export type SandboxCall =
  | { readonly op: "ping" | "metrics" }
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
  | { readonly op: "writeFile"; readonly path: string; readonly mode: "overwrite" | "append" | "create_new" }
  | {
    readonly op: "createDirectory" | "deleteFile" | "fileInfo" | "listDirectory" | "fileChange"
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
  | { readonly op: "outbound"; readonly port: number; readonly connections: number }
  | { readonly op: "accept"; readonly connection: number }
  | {
    readonly op: "refuse"
    readonly connection: number
    readonly reason: OutboundRefusal
    readonly message: string
  }
  | { readonly op: "moveFile"; readonly source: string; readonly destination: string }
  | {
    readonly op: "searchFiles"
    readonly path: string
    readonly pattern: string
    readonly excludePatterns: ReadonlyArray<string>
  }

/** Why a program inside gets no connection to the outside. */
export type OutboundRefusal = "forbidden" | "unknown" | "unreachable" | "closed" | "late"

/** The agent refused the call, or it failed; the sandbox is well. `code` is an errno-like name such as ENOENT. */
export class SandboxFailure extends Schema.TaggedError<SandboxFailure>()("SandboxFailure", {
  code: Schema.String.pipe(Schema.pattern(/^[A-Z][A-Z0-9_]{1,31}$/)),
  message: Schema.String
}) {}

/** The sandbox is gone, and with it everything in it. */
export class SandboxLost extends Schema.TaggedError<SandboxLost>()("SandboxLost", {
  reason: Schema.String
}) {
  override get message(): string {
    return `The sandbox is gone: ${this.reason}`
  }
}

/** The sandbox could be built, but its agent did not come up. */
export class SandboxStartError extends Schema.TaggedError<SandboxStartError>()("SandboxStartError", {
  reason: Schema.String
}) {
  override get message(): string {
    return `The sandbox did not start: ${this.reason}`
  }
}

/** What a successful call answers: `value` is not yet decoded, and comes from where untrusted code runs. */
export interface SandboxAnswer {
  readonly value: unknown
  readonly body: Uint8Array
}

/** A piece of what a running call prints, or a value that it shows, as JSON. */
export interface SandboxOutput {
  readonly event: "stdout" | "stderr" | "result"
  readonly body: Uint8Array
}

/** What comes from a tunnel; `taken` says how many bytes of ours have reached the port. */
export type TunnelEvent =
  | { readonly event: "open" | "end" }
  | { readonly event: "data"; readonly body: Uint8Array }
  | { readonly event: "taken"; readonly bytes: number }

/**
 * What goes to a call that runs: `taken` of what it sent has been used. To a tunnel bytes for its port as well, of which
 * these were the `last`.
 */
export interface SandboxInput {
  readonly taken?: number
  readonly last?: boolean
}

/** What comes from the proxy inside: it listens, or a program wants a connection to the outside. */
export type OutboundEvent =
  | { readonly event: "listening" }
  | {
    readonly event: "ask"
    /** The agent's number for it, to be accepted or refused. */
    readonly connection: number
    readonly host: string
    readonly port: number
  }

const Ready = Schema.Struct({ ready: Schema.Literal(true) })

const Output = Schema.Struct({ event: Schema.Literal("stdout", "stderr", "result") })

const Tunnel = Schema.Union(
  Schema.Struct({ event: Schema.Literal("open", "end") }),
  Schema.Struct({ event: Schema.Literal("data") }),
  Schema.Struct({ event: Schema.Literal("taken"), bytes: Schema.NonNegativeInt })
)

const Outbound = Schema.Union(
  Schema.Struct({ event: Schema.Literal("listening") }),
  Schema.Struct({
    event: Schema.Literal("ask"),
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
export const decodeReply = Schema.decodeUnknownEither(Schema.Union(Output, Succeeded, Failed, Tunnel, Outbound))
