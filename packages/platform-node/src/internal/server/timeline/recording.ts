/** What one entry of a timeline collects while it runs. */
import type { Beginning, Contents, EntryError, Origin, Outcome, OutputPiece, Result, Stream } from "./entry.js"
import { contentsOf, type KeptReply, type KeptResult, keptResult, withoutTraceback } from "./replies.js"
import { endOf, maxEntryBytes, maxOutputLength } from "./timelineLimits.js"

/** A result as it is kept: as it was sent, until a page is open. */
export type StoredResult = Result | KeptResult

/** An entry as it is at one moment; its parts do not change. */
export interface EntryView extends Beginning, Origin {
  readonly id: string
  readonly startedAt: number
  readonly durationMs: number | null
  readonly state: "running" | Outcome["state"]
  readonly exitCode: number | null
  readonly error: EntryError | null
  readonly outputs: ReadonlyArray<OutputPiece>
  readonly omittedBytes: number
  readonly results: ReadonlyArray<StoredResult>
  /** The reply, if it is not read yet. */
  readonly reply: KeptReply | undefined
}

const sizeOfText = ({ text }: KeptReply): number => text.length

/** Small pieces of output are joined up to this length. */
const pieceLength = 4096

export class Recording {
  readonly id: string
  readonly begun: Beginning
  readonly origin: Origin
  readonly startedAt: number
  /** The number of the last event about it. */
  seq = 0
  #durationMs: number | null = null
  #outcome: Outcome | undefined
  #outputs: Array<OutputPiece> = []
  #outputLength = 0
  #omittedBytes = 0
  #results: Array<StoredResult> = []
  #resultBytes = 0
  #reply: KeptReply | undefined

  constructor(id: string, begun: Beginning, origin: Origin, startedAt: number) {
    this.id = id
    this.begun = begun
    this.origin = origin
    this.startedAt = startedAt
  }

  get isRunning(): boolean {
    return this.#durationMs === null
  }

  get resultCount(): number {
    return this.#results.length
  }

  /** What it holds in memory, about. */
  get bytes(): number {
    const { text, title } = this.begun
    return 512 + text.length + title.length + this.#outputLength + this.#resultBytes +
      (this.#reply === undefined ? 0 : sizeOfText(this.#reply))
  }

  /** Adds output; the oldest gives way to the newest. */
  addOutput(stream: Stream, text: string): void {
    const kept = endOf(text, maxOutputLength)
    this.#omittedBytes += text.length - kept.length
    const last = this.#outputs.at(-1)
    if (last?.stream === stream && last.text.length + kept.length <= pieceLength) {
      this.#outputs[this.#outputs.length - 1] = { stream, text: last.text + kept }
    } else this.#outputs.push({ stream, text: kept })
    this.#outputLength += kept.length
    while (this.#outputLength > maxOutputLength) {
      const { text = "" } = this.#outputs.shift() ?? {}
      this.#outputLength -= text.length
      this.#omittedBytes += text.length
    }
  }

  /** Adds a result; one for which there is no room is told by its size. `bytes` is its size, at least about. */
  addResult(result: StoredResult, bytes: number): StoredResult {
    const fits = this.#resultBytes + bytes <= maxEntryBytes
    const kept = fits ? result : omitted(bytes)
    this.#resultBytes += fits ? bytes : 256
    this.#results.push(kept)
    return kept
  }

  /** The traceback of its error, which is at the end of standard error too, is told once. */
  end(outcome: Outcome, durationMs: number): void {
    this.#outcome = outcome
    this.#durationMs = durationMs
    const outputs = outcome.error === null ? this.#outputs : withoutTraceback(this.#outputs, outcome.error)
    this.#setOutputs(outputs)
  }

  #setOutputs(outputs: ReadonlyArray<OutputPiece>): void {
    this.#outputs = [...outputs]
    this.#outputLength = this.#outputs.reduce((sum, { text }) => sum + text.length, 0)
  }

  /** Ends with a reply, which is kept as it is. */
  endWith(reply: KeptReply, durationMs: number): void {
    this.#durationMs = durationMs
    if (sizeOfText(reply) > maxEntryBytes) {
      this.#omittedBytes += sizeOfText(reply)
      this.#outcome = { state: reply.isError ? "failed" : "succeeded", exitCode: null, error: null }
    } else this.#reply = reply
  }

  /** Whether its reply is still to be read. */
  get reply(): KeptReply | undefined {
    return this.#reply
  }

  /** Reads the reply, whose content takes the place of what was collected, unless that is more telling. */
  read(contents?: Contents): void {
    const reply = this.#reply
    if (reply === undefined) return
    this.#reply = undefined
    const { error, exitCode, omittedBytes, outputs, results, state } = contents ?? contentsOf(reply)
    this.#outcome = { state, exitCode, error }
    const merged = mergedOutputs(this.#outputs, outputs)
    if (this.#omittedBytes === 0 && merged !== undefined) this.#setOutputs(merged)
    else {
      this.#setOutputs(outputs)
      this.#omittedBytes = omittedBytes
    }
    this.#results = [...results]
    this.#resultBytes = Math.max(0, sizeOfText(reply) - this.#outputLength)
  }

  view(): EntryView {
    const { error = null, exitCode = null, state = this.#reply?.isError === true ? "failed" : "succeeded" } =
      this.#outcome ?? {}
    return {
      ...this.begun,
      ...this.origin,
      id: this.id,
      startedAt: this.startedAt,
      durationMs: this.#durationMs,
      state: this.isRunning ? "running" : state,
      exitCode,
      error,
      outputs: [...this.#outputs],
      omittedBytes: this.#omittedBytes,
      results: [...this.#results],
      reply: this.#reply
    }
  }
}

const omitted = (bytes: number): Result => ({ mime: {}, isMain: false, omitted: [{ mime: "*/*", bytes }] })

const textOf = (outputs: ReadonlyArray<OutputPiece>, name: Stream): string =>
  outputs.map(({ stream, text }) => stream === name ? text : "").join("")

/**
 * What was collected is in the order in which it was written, which a reply does not tell: it stays, with what the reply has
 * beyond it. `undefined` where it is not how the reply begins.
 */
const mergedOutputs = (
  collected: ReadonlyArray<OutputPiece>,
  final: Contents["outputs"]
): Array<OutputPiece> | undefined => {
  if (collected.length === 0) return undefined
  const rest: Array<OutputPiece> = []
  for (const stream of ["stdout", "stderr"] as const) {
    const [before, all] = [textOf(collected, stream), textOf(final, stream)]
    if (!all.startsWith(before)) return undefined
    if (all.length > before.length) rest.push({ stream, text: all.slice(before.length) })
  }
  return [...collected, ...rest]
}

/** A result as it is shown. */
export const shownResult = (result: StoredResult): Result => result instanceof Uint8Array ? keptResult(result) : result
