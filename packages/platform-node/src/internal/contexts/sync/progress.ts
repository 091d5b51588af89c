/** Ends copies that stand still or are far too slow, whatever their size: a session must not outlive its deletion for ever. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SandboxFiles } from "./sandboxFiles.js"

/** How long a copy may take without any progress. */
const stallMillis = Duration.toMillis("1 minute")

/** How long a copy may take altogether, besides a second for each MiB that it has copied. */
const baseMillis = Duration.toMillis("10 minutes")
const bytesPerMilli = 2 ** 20 / 1000

/** What a file counts besides its content. */
const bytesPerFile = 4096

export class Progress {
  readonly #started: number
  #bytes = 0
  #last: number

  constructor(now: number) {
    this.#started = this.#last = now
  }

  add(bytes: number, now: number): void {
    this.#bytes += bytes
    this.#last = now
  }

  /** When the copy will be too slow if nothing is added until then. */
  get deadline(): number {
    return Math.min(this.#last + stallMillis, this.#started + baseMillis + this.#bytes / bytesPerMilli)
  }
}

/** The same files; each answer counts as progress. */
const counted = (files: SandboxFiles, progress: Progress): SandboxFiles => {
  const count = <A, E>(call: Effect.Effect<A, E>, bytesOf: (value: A) => number): Effect.Effect<A, E> =>
    Effect.zipWith(call, Clock.currentTimeMillis, (value, now) => {
      progress.add(bytesOf(value), now)
      return value
    })
  return {
    ...files,
    list: (path, recursive) => count(files.list(path, recursive), () => 0),
    readMany: (many) =>
      count(files.readMany(many), (read) => read.reduce((sum, { bytes }) => sum + bytes.length + bytesPerFile, 0)),
    readPart: (path, offset, length) => count(files.readPart(path, offset, length), ({ bytes }) => bytes.length),
    writeParts: (parts, body) => count(files.writeParts(parts, body), () => body.length + parts.length * bytesPerFile)
  }
}

/** Runs a copy; fails with `tooSlow` once it is. */
export const withProgress = <A, E, E2>(
  files: SandboxFiles,
  copy: (files: SandboxFiles) => Effect.Effect<A, E>,
  tooSlow: E2
): Effect.Effect<A, E | E2> =>
  Effect.flatMap(Clock.currentTimeMillis, (started) => {
    const progress = new Progress(started)
    const watch: Effect.Effect<never, E2> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const left = Math.ceil(progress.deadline - now)
      return left <= 0 ? Effect.fail(tooSlow) : Effect.zipRight(Effect.sleep(left), watch)
    })
    return Effect.raceFirst(copy(counted(files, progress)), watch)
  })
