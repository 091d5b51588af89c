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

const blockSize = 8 * 1024

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
    let text = added
    if (text.length > this.limit) {
      this.omitted += text.length - this.limit
      text = text.slice(-this.limit)
    }
    for (let at = 0; at < text.length; at += blockSize) this.#appendPart(stream, text.slice(at, at + blockSize))
    while (this.#size > this.limit && this.#blocks.length > 1) {
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

  #appendPart(stream: Stream, part: string): void {
    const last = this.#blocks.at(-1)
    const joins = last !== undefined && last.stream === stream && last.text.length < blockSize
    const text = withReturns(joins ? last.text + part : part)
    this.#size += text.length - (joins ? last.text.length : 0)
    if (joins) this.#blocks[this.#blocks.length - 1] = { ...last, text }
    else this.#blocks.push({ id: this.#nextId++, stream, text, style: this.#styleAfter(last) })
  }

  #styleAfter(block: Block | undefined): Style {
    return block === undefined ? plain : ansiRuns(block.text, block.style).style
  }
}

export const runsOf = (block: Block): ReadonlyArray<Run> => ansiRuns(block.text, block.style).runs
