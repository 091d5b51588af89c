/** Reads lines of a file of any size, no more of it than is shown. */
import type { FileSystem, FileSystemError } from "@effect-agb/core/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

export interface Wanted {
  /** From 1. */
  readonly startLine: number
  readonly lineCount: number
  readonly maxCharacters: number
}

export interface Lines {
  readonly text: string
  /** The line to go on with, if there is more. */
  readonly next: number | undefined
  /** A line was longer than what can be shown, so its end is missing. */
  readonly isLineCut: boolean
}

/** What was decoded is not text. */
export class NotText {
  readonly _tag = "NotText"
}

/** Collects lines until it has enough; lines before the first are counted and dropped. */
class Collector {
  readonly #wanted: Wanted
  readonly #lines: Array<string> = []
  #line = 1
  #length = 0
  #partial = ""
  #isPartialCut = false
  isFull = false
  isLineCut = false

  constructor(wanted: Wanted) {
    this.#wanted = wanted
  }

  add(text: string): void {
    const pieces = text.split("\n")
    pieces.forEach((piece, index) => {
      if (this.isFull) return
      this.#append(piece)
      if (index < pieces.length - 1) this.#end("\n")
    })
  }

  /** Only as much of a line is kept as can be shown. */
  #append(piece: string): void {
    if (this.#line < this.#wanted.startLine) return
    const room = this.#wanted.maxCharacters - this.#partial.length
    this.#partial += piece.slice(0, room)
    if (piece.length > room) this.#isPartialCut = true
  }

  #end(newline: "\n" | ""): void {
    if (this.#line >= this.#wanted.startLine) {
      const line = this.#partial + (this.#isPartialCut ? "" : newline)
      if (this.#lines.length === this.#wanted.lineCount || this.#isFullWith(line)) {
        this.isFull = true
        return
      }
      this.#lines.push(line)
      this.#length += line.length
      this.isLineCut ||= this.#isPartialCut
    }
    this.#partial = ""
    this.#isPartialCut = false
    this.#line++
  }

  #isFullWith(line: string): boolean {
    return this.#lines.length > 0 && this.#length + line.length > this.#wanted.maxCharacters
  }

  finish(): Lines {
    if (!this.isFull && this.#partial !== "") this.#end("")
    return { text: this.#lines.join(""), next: this.isFull ? this.#line : undefined, isLineCut: this.isLineCut }
  }
}

const decoder = () => {
  const utf8 = new TextDecoder("utf-8", { fatal: true })
  return (bytes?: Uint8Array): Option.Option<string> => {
    try {
      const text = bytes === undefined ? utf8.decode() : utf8.decode(bytes, { stream: true })
      return text.includes("\0") ? Option.none() : Option.some(text)
    } catch {
      return Option.none()
    }
  }
}

export const read = (
  files: FileSystem,
  path: string,
  wanted: Wanted
): Effect.Effect<Lines, FileSystemError | NotText> =>
  Effect.suspend(() => {
    const decode = decoder()
    const collector = new Collector(wanted)
    const add = (text: Option.Option<string>) =>
      Option.isNone(text) ? Effect.fail(new NotText()) : Effect.sync(() => collector.add(text.value))
    return files.readFileStream(path).pipe(
      Stream.mapEffect((bytes) => add(decode(bytes))),
      Stream.takeUntil(() => collector.isFull),
      Stream.runDrain,
      Effect.andThen(Effect.suspend(() => collector.isFull ? Effect.void : add(decode()))),
      Effect.map(() => collector.finish())
    )
  })
