/** What an isolation is, and the failure where the requested one is not available. */
import * as Schema from "effect/Schema"
import type { MemoryController } from "../memory/memoryLimit.js"
import type { Confinement } from "./candidates.js"

export type IsolationLevel = "namespaces" | "landlock" | "none"

export type IsolationRequest = "auto" | "namespaces" | "landlock" | "none"

/** An isolation that was tried on this machine and works. */
export interface Isolation {
  readonly level: IsolationLevel
  /** The tool that builds the sandbox. */
  readonly mechanism: "bwrap" | "unshare" | "landlock" | "none"
  /** One line for people: what is in force. */
  readonly description: string
  /** What it does not protect against, one phrase each. */
  readonly doesNotStop: ReadonlyArray<string>
  /** @internal */
  readonly confinement: Confinement
  /** @internal Undefined where the memory of sandboxes is not limited. */
  readonly memory: MemoryController | undefined
}

/** The requested isolation is not available: `reason` says why, `remedy` what to install or to change. */
export class SandboxUnavailableError extends Schema.TaggedError<SandboxUnavailableError>()("SandboxUnavailableError", {
  requested: Schema.Literal("auto", "namespaces", "landlock", "none"),
  reason: Schema.String,
  remedy: Schema.String
}) {
  override get message(): string {
    return `No sandbox (isolation: "${this.requested}"): ${this.reason}. ${this.remedy}.`
  }
}
