/** The changes of one upload to its context, which are made together or not at all. */
import * as Effect from "effect/Effect"
import type { Put, Staged, StoredFile } from "../store/contextFiles.js"
import { onDisk } from "../store/storageFailure.js"
import { conflictPath } from "./manifest.js"
import * as policies from "./policies.js"
import type { TreeFile } from "./sandboxFiles.js"
import type { Transfer, TransferFailure } from "./transfer.js"

export interface Candidate extends TreeFile {
  /** Path in the session. */
  readonly source: string
  /** Path in the context. */
  readonly stored: string
}

export interface Conflict {
  readonly path: string
  readonly storedAs: string
}

type ReplaceRule = Pick<Put, "mayReplace" | "otherwise">

interface Entry extends Put {
  readonly stamp: string
}

export class UploadBatch {
  readonly #transfer: Transfer
  readonly #entries = new Map<Staged, Entry>()
  #isCommitted = false

  private constructor(transfer: Transfer) {
    this.#transfer = transfer
  }

  /** A failure or an interruption of `use` leaves the context unchanged. */
  static use<E>(
    transfer: Transfer,
    use: (batch: UploadBatch) => Effect.Effect<void, E>
  ): Effect.Effect<void, E> {
    return Effect.acquireUseRelease(
      Effect.sync(() => new UploadBatch(transfer)),
      use,
      (batch) => batch.#discard
    )
  }

  /** Adds one file, whose content `fill` writes; it returns the stamp of what it read, or undefined to give up. */
  add(
    { mode, stored }: Candidate,
    fill: (staged: Staged) => Effect.Effect<string | undefined, TransferFailure>,
    rule: ReplaceRule = this.#ruleOf(stored)
  ): Effect.Effect<boolean, TransferFailure> {
    const { context, mapping, now } = this.#transfer
    const keep = (staged: Staged, stamp: string) =>
      Effect.map(onDisk(() => context.files.finish(staged)), () => {
        const expires = policies.expiry(mapping.policy, stored.slice(mapping.base.length), now())
        this.#entries.set(staged, { path: stored, staged, stamp, mode, expires, ...rule })
        return true
      })
    return Effect.acquireUseRelease(
      onDisk(() => context.files.stage()),
      (staged) =>
        Effect.flatMap(
          fill(staged),
          (stamp) => stamp === undefined ? Effect.succeed(false) : Effect.uninterruptible(keep(staged, stamp))
        ),
      (staged) => this.#entries.has(staged) ? Effect.void : abort(staged)
    )
  }

  /**
   * Stores the files, and removes others unless another version has been stored meanwhile. Returns the paths that have got
   * another version meanwhile, which stays; that of the session is stored beside it.
   */
  commit(removed: ReadonlyArray<StoredFile> = []): Effect.Effect<ReadonlyArray<Conflict>, TransferFailure> {
    return Effect.uninterruptible(Effect.suspend(() => {
      const { context, manifest: { versions } } = this.#transfer
      const entries = [...this.#entries.values()]
      return Effect.map(onDisk(() => context.files.change(entries, removed)), (files) => {
        this.#isCommitted = true
        for (const { path } of removed) versions.delete(path)
        return files.flatMap(({ blob, path: storedAs }, index): ReadonlyArray<Conflict> => {
          const { path = storedAs, stamp = "" } = entries[index] ?? {}
          const isConflict = path !== storedAs
          versions.set(path, { blob: isConflict ? versions.get(path)?.blob ?? "" : blob, stamp })
          return isConflict ? [{ path, storedAs }] : []
        })
      })
    }))
  }

  #ruleOf(stored: string): ReplaceRule {
    const { manifest, mapping, session } = this.#transfer
    return mapping.once
      ? {}
      : { mayReplace: (found) => manifest.mayReplace(stored, found), otherwise: conflictPath(stored, session) }
  }

  get #discard(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.#isCommitted
        ? Effect.void
        : Effect.forEach(this.#entries.keys(), abort, { concurrency: 8, discard: true })
    )
  }
}

export const abort = ({ file }: Staged): Effect.Effect<void> => Effect.promise(() => file.abort())
