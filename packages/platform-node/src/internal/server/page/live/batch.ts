/**
 * What happens in a session within a moment, which all its pages are told in one message. Adding to it is done while a run waits, so
 * it is kept as it came until the message is made.
 */
import type { Stream } from "../../timeline/entry.js"
import type { EntryView, Recording, StoredResult } from "../../timeline/recording.js"
import type { TimelineEvent } from "../../timeline/timeline.js"

/** An event with what it was about, as that was then. */
export type Part =
  & { readonly seq: number; readonly recording: Recording }
  & (
    | { readonly type: "entry" | "end"; readonly view: EntryView }
    | { readonly type: "output"; readonly stream: Stream; readonly text: string }
    | { readonly type: "result"; readonly result: StoredResult; readonly index: number }
  )

/** What a part without output counts, in characters. */
const partLength = 512

const partOf = (event: TimelineEvent): Part => {
  const { recording, seq } = event
  switch (event.type) {
    case "output":
      return { type: "output", seq, recording, stream: event.stream, text: event.text }
    case "result":
      return { type: "result", seq, recording, result: event.result, index: recording.resultCount - 1 }
    default:
      return { type: event.type, seq, recording, view: recording.view() }
  }
}

export class Batch {
  #parts: Array<Part> = []
  #length = 0

  /** About how many characters of output it holds. */
  get length(): number {
    return this.#length
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0
  }

  /** Output that goes on where the last has ended is joined with it. */
  add(event: TimelineEvent): void {
    const last = this.#parts.at(-1)
    if (
      event.type === "output" && last?.type === "output" && last.recording === event.recording &&
      last.stream === event.stream
    ) this.#parts[this.#parts.length - 1] = { ...last, seq: event.seq, text: last.text + event.text }
    else this.#parts.push(partOf(event))
    this.#length += event.type === "output" ? event.text.length : partLength
  }

  /** Everything since the last time. */
  take(): ReadonlyArray<Part> {
    const parts = this.#parts
    this.#parts = []
    this.#length = 0
    return parts
  }
}
