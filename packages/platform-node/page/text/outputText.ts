/**
 * What a run has printed, kept in blocks so that only the last one is rendered again when text arrives, and bounded: of
 * more than `limit` characters the beginning is left out.
 */
import { ansiRuns, plain, type Run, type Style } from "./ansi.js"

export interface Block {
  readonly id: number
  readonly stream: Stream
  readonly text: string
  readonly style: Style
}

type Stream = "stdout" | "stderr"

interface Output {
  readonly stream: Stream
  readonly texts: Array<string>
}

/** Blocks are whole lines where lines are not longer than this. */
const blockSize = 4 * 1024

const mostBlocks = 400

const isFull = (text: string): boolean =>
  text.length >= 2 * blockSize || (text.length >= blockSize && text.endsWith("\n"))

/** Behind the first line end after `wanted` characters, or after a block more where there is none. */
const endOfPart = (text: string, at: number, wanted: number): number => {
  const least = at + Math.max(1, wanted)
  if (least >= text.length) return text.length
  const lineEnd = text.indexOf("\n", least - 1) + 1
  return lineEnd === 0 || lineEnd > least + blockSize ? Math.min(text.length, least + blockSize) : lineEnd
}

/** What a carriage return has brought the cursor back over is overwritten, as progress bars do. */
const overwritten = (line: string): string => line.slice(line.lastIndexOf("\r", line.length - 2) + 1)

const withReturns = (text: string): string => {
  if (!text.includes("\r")) return text
  const lines = text.split("\n").map((line, index, { length }) =>
    overwritten(index < length - 1 ? line.replace(/\r+$/, "") : line)
  )
  return lines.join("\n")
}

export class OutputText {
  readonly limit: number
  #blocks: Array<Block> = []
  #size = 0
  #nextId = 0
  #pending: Array<Output> = []
  #pendingSize = 0
  omitted = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get blocks(): ReadonlyArray<Block> {
    return this.#blocks
  }

  get size(): number {
    return this.#size
  }

  get text(): string {
    return this.#blocks.map(({ text }) => text).join("")
  }

  /** What comes in many small parts is joined by `settle`, which must be called before anything is read. */
  append(stream: Stream, text: string): void {
    const last = this.#pending.at(-1)
    if (last?.stream === stream) last.texts.push(text)
    else this.#pending.push({ stream, texts: [text] })
    this.#pendingSize += text.length
    if (this.#pendingSize > 2 * this.limit) this.settle()
  }

  settle(): void {
    const pending = this.#pending
    this.#pending = []
    this.#pendingSize = 0
    for (const { stream, texts } of pending) this.#appendText(stream, texts.join(""))
  }

  #appendText(stream: Stream, added: string): void {
    const text = added.slice(-this.limit)
    this.omitted += added.length - text.length
    for (let at = 0; at < text.length;) {
      const last = this.#blocks.at(-1)
      const joined = last !== undefined && last.stream === stream && !isFull(last.text) ? last : undefined
      const end = endOfPart(text, at, blockSize - (joined?.text.length ?? 0))
      this.#appendPart(stream, text.slice(at, end), joined, last)
      at = end
    }
    while (this.#blocks.length > 1 && (this.#size > this.limit || this.#blocks.length > mostBlocks)) {
      const dropped = this.#blocks.shift()!.text.length
      this.#size -= dropped
      this.omitted += dropped
    }
  }

  clear(): void {
    this.settle()
    this.omitted += this.#size
    this.#blocks = []
    this.#size = 0
  }

  #appendPart(stream: Stream, part: string, joined: Block | undefined, last: Block | undefined): void {
    const text = withReturns(joined === undefined ? part : joined.text + part)
    this.#size += text.length - (joined?.text.length ?? 0)
    if (joined !== undefined) this.#blocks[this.#blocks.length - 1] = { ...joined, text }
    else this.#blocks.push({ id: this.#nextId++, stream, text, style: this.#styleAfter(last) })
  }

  #styleAfter(block: Block | undefined): Style {
    return block === undefined ? plain : ansiRuns(block.text, block.style).style
  }
}

export const runsOf = (block: Block): ReadonlyArray<Run> => ansiRuns(block.text, block.style).runs
