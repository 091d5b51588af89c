/** What is kept of the output of a streamed run, for its result and its errors: bounded, the newest of each stream. */
import { showJson } from "../wire/codecs.js"
import type { CodeResultItem } from "../wire/models.js"

/** Characters that are kept of each stream. */
export const maxKept = 8 * 2 ** 20

/** Characters of JSON that are kept of all results. */
const maxResults = 32 * 2 ** 20

/** Stands where the output begins that was kept. */
const truncated = `[output truncated before its last ${maxKept} characters]\n`

/** Pieces are joined to chunks of this many characters, since each piece alone costs memory. */
const chunkLength = 65_536

class Tail {
  #chunks: Array<string> = []
  #pieces: Array<string> = []
  #piecesLength = 0
  #length = 0
  #isWhole = true

  add(text: string): void {
    this.#pieces.push(text)
    this.#piecesLength += text.length
    this.#length += text.length
    if (this.#piecesLength < chunkLength) return
    this.#chunks.push(this.#pieces.join(""))
    this.#pieces = []
    this.#piecesLength = 0
    while (this.#length > maxKept) this.#drop()
  }

  get isWhole(): boolean {
    return this.#isWhole && this.#length <= maxKept
  }

  get text(): string {
    const whole = this.#chunks.join("") + this.#pieces.join("")
    return this.isWhole ? whole : `${truncated}${withoutHalf(whole.slice(-maxKept))}`
  }

  /** Drops the oldest chunk, or the beginning of a large one. */
  #drop(): void {
    this.#isWhole = false
    const oldest = this.#chunks.shift() ?? ""
    const excess = this.#length - maxKept
    this.#length -= Math.min(oldest.length, excess)
    if (oldest.length > excess) this.#chunks.unshift(oldest.slice(excess))
  }
}

/** A cut may leave half a character at the beginning. */
const withoutHalf = (text: string): string => /^[\udc00-\udfff]/.test(text) ? text.slice(1) : text

export class RunOutput {
  readonly #streams = { stdout: new Tail(), stderr: new Tail() }
  readonly #results: Array<CodeResultItem> = []
  #resultsSize = 0
  #areResultsWhole = true

  add(stream: "stdout" | "stderr", text: string): void {
    this.#streams[stream].add(text)
  }

  addResult(item: CodeResultItem): void {
    this.#resultsSize += showJson(item.data).length
    if (this.#resultsSize <= maxResults) this.#results.push(item)
    else this.#areResultsWhole = false
  }

  get stdout(): string {
    return this.#streams.stdout.text
  }

  get stderr(): string {
    return this.#streams.stderr.text
  }

  get results(): ReadonlyArray<CodeResultItem> {
    return [...this.#results]
  }

  /** Whether all of the output is kept. */
  get isWhole(): boolean {
    return this.#streams.stdout.isWhole && this.#streams.stderr.isWhole && this.#areResultsWhole
  }
}
