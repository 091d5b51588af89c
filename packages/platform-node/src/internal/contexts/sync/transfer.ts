/** What copies between a session and a context have in common, in both directions. */
import type { SyncPolicy } from "@effect-agb/core/AgbApi"
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { CallFailure } from "../../server/sessions/agentCall.js"
import type { StoredContext } from "../store/contextStore.js"
import type { Manifest } from "./manifest.js"
import { reasonOf, type SandboxFiles } from "./sandboxFiles.js"

export type Direction = "upload" | "download"

/** A directory of a session, and its place in a context. All paths are normalized. */
export interface Mapping {
  readonly contextId: string
  /** Path in the session. */
  readonly path: string
  /** The same as the client sent it, for example with a trailing slash. */
  readonly sentPath: string
  /** Path in the context. */
  readonly storedPath: string
  /** The prefix of `storedPath` that the paths of the policy are relative to. */
  readonly base: string
  readonly policy: SyncPolicy
  /** Whether subdirectories are included. */
  readonly recursive: boolean
  /** Whether a version that the session has had before is not copied into it again. */
  readonly once: boolean
}

export interface Transfer {
  readonly mapping: Mapping
  readonly context: StoredContext
  readonly files: SandboxFiles
  readonly manifest: Manifest
  /** Names versions of this session. */
  readonly session: string
  readonly now: () => number
}

export type TransferFailure = ApiError | CallFailure

/** Files up to this size are copied in batches. */
export const maxBatchedFileBytes = 256 * 1024

/** Largest size of a batch, and of one part of a larger file. */
export const partBytes = 4 * 1024 * 1024

const maxBatchFiles = 512

/** Groups files into batches. */
export const batchesOf = <A extends { readonly size: number }>(files: ReadonlyArray<A>): Array<Array<A>> => {
  const batches: Array<Array<A>> = []
  let room = 0
  for (const file of files) {
    const last = batches.at(-1)
    if (last === undefined || file.size > room || last.length === maxBatchFiles) {
      batches.push([file])
      room = partBytes - file.size
    } else {
      last.push(file)
      room -= file.size
    }
  }
  return batches
}

const maxFailures = 20

/** How many failures are told with their reasons. */
const maxNamed = 3

/** Collects failures of single files, which do not stop the copy of others until there are too many. */
export interface Failures {
  readonly isEmpty: () => boolean
  readonly add: (path: string, reason: string) => Effect.Effect<void, ApiError>
  /** `kept`: how many files were not deleted because of them. */
  readonly end: (total: number, kept?: number) => Effect.Effect<void, ApiError>
}

const incomplete = (message: string) => new ApiError({ status: 500, code: "Sync.Incomplete", message })

/** `most`: how many failures do not stop the copy. */
export const makeFailures = (most = maxFailures): Failures => {
  const found: Array<string> = []
  return {
    isEmpty: () => found.length === 0,
    add: (path, reason) =>
      Effect.suspend(() => {
        found.push(`${path}: ${reason}`)
        return found.length > most
          ? incomplete(`given up after ${found.length} failures: ${found[0]}`)
          : Effect.void
      }),
    end: (total, kept = 0) =>
      Effect.suspend(() => {
        if (found.length === 0) return Effect.void
        const failed = `${found.length} of ${Math.max(total, found.length)} files failed`
        const reasons = found.slice(0, maxNamed).join("; ")
        return incomplete(`${failed}${kept === 0 ? "" : undeleted(kept)}: ${reasons}`)
      })
  }
}

const undeleted = (count: number): string => `, so that nothing was deleted (${count} to delete once all can be stored)`

/**
 * What an upload deletes, which is nothing where it could not store everything: what it could not store may be the only copy
 * of what is to be deleted, under a new name.
 */
export const deletionsOf = <A>(
  wanted: ReadonlyArray<A>,
  failures: Failures
): { readonly made: ReadonlyArray<A>; readonly kept: number } =>
  failures.isEmpty() ? { made: wanted, kept: 0 } : { made: [], kept: wanted.length }

/** The text of a task's `errorMessage`. */
export const explain = (error: TransferFailure): string =>
  (error instanceof ApiError ? error.message : reasonOf(error)).slice(0, 1000)
