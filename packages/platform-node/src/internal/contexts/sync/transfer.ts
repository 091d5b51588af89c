/** What copies between a session and a context have in common, whichever way they go. */
import type { SyncPolicy } from "@effect-agb/core/AgbApi"
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { CallFailure } from "../../server/sessions/agentCall.js"
import type { StoredContext } from "../store/contextStore.js"
import { reasonOf, type SandboxFiles } from "./sandboxFiles.js"

/** A directory of a session and where its files are in a context. All paths are normalized. */
export interface Mapping {
  readonly contextId: string
  /** In the session. */
  readonly path: string
  /** What `path` is called in the context. */
  readonly storedPath: string
  /** The part of the stored path that is the root of the policy's paths. */
  readonly base: string
  readonly policy: SyncPolicy
  /** Whether what is below its folders takes part. */
  readonly recursive: boolean
  /** Whether what the session had once is not copied into it again. */
  readonly once: boolean
}

/** The version of a file that session and context have in common. */
export interface Shared {
  readonly blob: string
  readonly stamp: string
}

export interface Transfer {
  readonly mapping: Mapping
  readonly context: StoredContext
  readonly files: SandboxFiles
  readonly shared: Map<string, Shared>
  readonly now: () => number
}

export type TransferFailure = ApiError | CallFailure

/** Files up to this size travel together. */
export const smallBytes = 256 * 1024

/** What travels at once. */
export const pieceBytes = 4 * 1024 * 1024

const mostInBatch = 512

/** Groups of files that are small enough together. */
export const batchesOf = <A extends { readonly size: number }>(files: ReadonlyArray<A>): Array<Array<A>> => {
  const batches: Array<Array<A>> = []
  let room = 0
  for (const file of files) {
    const last = batches.at(-1)
    if (last === undefined || file.size > room || last.length === mostInBatch) {
      batches.push([file])
      room = pieceBytes - file.size
    } else {
      last.push(file)
      room -= file.size
    }
  }
  return batches
}

const mostFailures = 20

/** Failures of single files, which do not keep the others from being copied unless they are many. */
export interface Failures {
  readonly add: (path: string, reason: string) => Effect.Effect<void, ApiError>
  readonly end: (total: number) => Effect.Effect<void, ApiError>
}

const incomplete = (message: string) => new ApiError({ status: 500, code: "Sync.Incomplete", message })

export const makeFailures = (): Failures => {
  const found: Array<string> = []
  return {
    add: (path, reason) =>
      Effect.suspend(() => {
        found.push(`${path}: ${reason}`)
        return found.length > mostFailures
          ? incomplete(`given up after ${found.length} failures: ${found[0]}`)
          : Effect.void
      }),
    end: (total) =>
      Effect.suspend(() =>
        found.length === 0 ? Effect.void : incomplete(`${found.length} of ${total} files failed: ${found[0]}`)
      )
  }
}

/** The sentence for `errorMessage`. */
export const explain = (error: TransferFailure): string =>
  (error instanceof ApiError ? error.message : reasonOf(error)).slice(0, 1000)
