/** What uploads and downloads have in common. */
import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Take from "effect/Take"
import { FileError, FileNotFoundError } from "../../../AgbError.js"
import { Checksum } from "../files/checksum.js"
import type { Progress } from "./model.js"
import type { Entry, Tree } from "./tree.js"

/** Files of more bytes are moved in segments, of which those that arrived are kept by a transfer that breaks off. */
export const segmentBytes = 32 * 1024 * 1024

/** Files that are moved at the same time. */
export const concurrency = 4

/** Reports are not lost: a transfer waits for a reader that is behind, of large pieces too, which are reported each. */
const maxUnread = 2

/** Bytes after which progress within a file is reported. */
const reportBytes = 1024 * 1024

/** Counts what has been moved, and reports it. */
export class Tally {
  #files = 0
  #bytes = 0
  #reported = 0
  readonly #tree: Tree
  readonly #totals: { readonly totalFiles: number; readonly totalBytes: number }
  readonly #emit: (progress: Progress) => Effect.Effect<void>

  constructor(tree: Tree, emit: (progress: Progress) => Effect.Effect<void>) {
    const files = tree.entries.filter(({ isDirectory }) => !isDirectory)
    this.#tree = tree
    this.#emit = emit
    this.#totals = { totalFiles: files.length, totalBytes: files.reduce((sum, { size }) => sum + size, 0) }
  }

  /** Bytes of a file arrived. */
  bytes(path: string, count: number): Effect.Effect<void> {
    this.#bytes += count
    return this.#bytes - this.#reported < reportBytes ? Effect.void : this.#report(path)
  }

  /** A file is in its place. */
  file(path: string): Effect.Effect<void> {
    this.#files += 1
    return this.#report(path)
  }

  /** All of it is in its place; of no file, no report was made yet. */
  end(): Effect.Effect<void> {
    return this.#totals.totalFiles === 0 ? this.#report("") : Effect.void
  }

  #report(path: string): Effect.Effect<void> {
    this.#reported = this.#bytes
    return this.#emit({
      path,
      files: this.#files,
      bytes: this.#bytes,
      ...this.#totals,
      skipped: this.#tree.skipped
    })
  }
}

/** The reports of a work as a stream, which ends when it does and ends it. */
export const reporting = <E, R>(
  work: (emit: (progress: Progress) => Effect.Effect<void>) => Effect.Effect<void, E, R>
): Stream.Stream<Progress, E, R> =>
  Stream.suspend(() => {
    let working: Fiber.RuntimeFiber<unknown> | undefined
    let next: Effect.Effect<Chunk.Chunk<Progress>, Option.Option<E>> | undefined
    const start = Effect.flatMap(Queue.bounded<Take.Take<Progress, E>>(maxUnread), (queue) => {
      const ended = Effect.flatMap(
        Effect.exit(work((progress) => Effect.asVoid(Queue.offer(queue, Take.of(progress))))),
        (exit) => Queue.offer(queue, Exit.isSuccess(exit) ? Take.end : Take.failCause(exit.cause))
      )
      const reports = next = Effect.flatMap(Queue.take(queue), Take.done)
      const forked = Effect.map(Effect.forkDaemon(Effect.interruptible(ended)), (fiber) => {
        working = fiber
      })
      return Effect.zipRight(Effect.uninterruptible(forked), reports)
    })
    // A scope and the operators for takes would cost a third of what it takes to move a small file.
    const reports = Stream.repeatEffectChunkOption(Effect.suspend(() => next ?? start))
    return Stream.ensuring(
      reports,
      Effect.suspend(() => working === undefined ? Effect.void : Fiber.interrupt(working))
    )
  })

/** The temporary name of an incomplete file, beside the file: of each file another, and the same for each attempt. */
export const partPath = (path: string): string => {
  const at = path.lastIndexOf("/") + 1
  const checksum = new Checksum()
  checksum.update(new TextEncoder().encode(path.slice(at)))
  return `${path.slice(0, at)}.agb-transfer-${String(checksum).replace(" ", "-")}`
}

/** Errors about the temporary name of a file are about the file. */
export const nameFile = (part: string, path: string) => <E>(error: E): E | FileError | FileNotFoundError => {
  const named = (text: string) => text.replaceAll(part, path)
  if (error instanceof FileError) {
    return new FileError({ ...error, path: named(error.path), detail: named(error.detail) })
  }
  if (!(error instanceof FileNotFoundError)) return error
  return new FileNotFoundError({ ...error, path: named(error.path), detail: named(error.detail) })
}

export const directoriesOf = ({ entries }: Tree): ReadonlyArray<Entry> =>
  entries.filter(({ isDirectory }) => isDirectory).sort((a, b) => a.path.length - b.path.length)

export const filesOf = ({ entries }: Tree): ReadonlyArray<Entry> => entries.filter(({ isDirectory }) => !isDirectory)

export const changed = (operation: string, path: string, detail: string): FileError =>
  new FileError({ operation, path, reason: "Changed", detail, mayHaveHappened: false })

/** The root of a transfer, unless that is what transfers leave out. */
export const rootOf = (operation: string, path: string, { entries: [root] }: Tree): Effect.Effect<Entry, FileError> =>
  root === undefined
    ? new FileError({
      operation,
      path,
      reason: "Other",
      detail: "it is neither a file nor a directory",
      mayHaveHappened: false
    })
    : Effect.succeed(root)

/** Fails if size or time of a file are no longer those that it had. */
export const unchanged = (
  operation: string,
  path: string,
  before: Pick<Entry, "size" | "mtime">,
  { mtime, size }: Pick<Entry, "size" | "mtime">
): Effect.Effect<void, FileError> => {
  if (size !== before.size) return changed(operation, path, `it had ${before.size} bytes and has ${size}`)
  return mtime === before.mtime ? Effect.void : changed(operation, path, "it was written to while it was moved")
}

/** Fails unless a stream has as many bytes as the file had when it was listed; counts them. */
export const exactly = <E, R>(
  stream: Stream.Stream<Uint8Array, E, R>,
  size: number,
  onBytes: (count: number) => Effect.Effect<void>,
  error: (found: number) => FileError
): Stream.Stream<Uint8Array, E | FileError, R> =>
  Stream.suspend(() => {
    let found = 0
    const end = Stream.suspend(() => found === size ? Stream.empty : Stream.fail(error(found)))
    return stream.pipe(
      Stream.tap((bytes) => {
        found += bytes.length
        return found > size ? error(found) : onBytes(bytes.length)
      }),
      Stream.concat(end)
    )
  })
