/** What a kernel tells over its channel: frames of output and of lines of JSON. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { CodeResultItem } from "../../../AgbError.js"
import { parseJson } from "../../wire/codecs.js"
import { concat } from "../../wire/text/bytes.js"

export interface KernelError {
  readonly name: string
  readonly value: string
  readonly traceback: string
}

export type KernelEvent =
  | { readonly _tag: "Output"; readonly stream: "stdout" | "stderr"; readonly text: string }
  | { readonly _tag: "Result"; readonly item: CodeResultItem }
  | { readonly _tag: "Done"; readonly count: number; readonly seconds: number; readonly error: KernelError | null }
  | { readonly _tag: "Malformed"; readonly expected: string }

const malformed = (expected: string): KernelEvent => ({ _tag: "Malformed", expected })

/** Bytes of one line of JSON, e.g. of a result. */
const maxLineBytes = 64 * 2 ** 20

const headLength = 5

const isError = (value: unknown): value is KernelError =>
  Predicate.isRecord(value) && ["name", "value", "traceback"].every((field) => typeof value[field] === "string")

const eventOf = (line: string): KernelEvent => {
  const value = Either.getOrUndefined(parseJson(line))
  if (!Predicate.isRecord(value)) return malformed("an object")
  if (value["type"] === "result") {
    const { data, isMainResult } = value
    return Predicate.isRecord(data) && typeof isMainResult === "boolean"
      ? { _tag: "Result", item: { data, isMainResult } }
      : malformed("a result")
  }
  const { count, error, seconds } = value
  if (value["type"] !== "done" || typeof count !== "number" || typeof seconds !== "number") return malformed("an end")
  return error === null || isError(error) ? { _tag: "Done", count, seconds, error } : malformed("an error")
}

export class KernelEvents {
  readonly #decoders = {
    stdout: new TextDecoder("utf-8", { ignoreBOM: true }),
    stderr: new TextDecoder("utf-8", { ignoreBOM: true })
  }
  #rest: Uint8Array = new Uint8Array()
  #line: Array<Uint8Array> = []
  #lineLength = 0

  /** The events in the next bytes of the channel. */
  take(bytes: Uint8Array): ReadonlyArray<KernelEvent> {
    const all = this.#rest.length === 0 ? bytes : concat([this.#rest, bytes])
    const events: Array<KernelEvent> = []
    let at = 0
    while (all.length - at >= headLength) {
      const length = new DataView(all.buffer, all.byteOffset + at + 1, 4).getUint32(0)
      const end = at + headLength + length
      if (end > all.length) break
      events.push(...this.#frame(all[at] ?? 0, all.subarray(at + headLength, end)))
      at = end
    }
    this.#rest = all.slice(at)
    return events
  }

  #frame(letter: number, bytes: Uint8Array): ReadonlyArray<KernelEvent> {
    switch (String.fromCharCode(letter)) {
      case "O":
        return this.#output("stdout", bytes)
      case "E":
        return this.#output("stderr", bytes)
      case "V":
        return this.#lines(bytes)
      default:
        return [malformed("a frame")]
    }
  }

  #output(stream: "stdout" | "stderr", bytes?: Uint8Array): ReadonlyArray<KernelEvent> {
    const decoder = this.#decoders[stream]
    const text = bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    return text === "" ? [] : [{ _tag: "Output", stream, text }]
  }

  #lines(bytes: Uint8Array): ReadonlyArray<KernelEvent> {
    const events: Array<KernelEvent> = []
    let from = 0
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      const line = new TextDecoder().decode(concat([...this.#line, bytes.subarray(from, end)]))
      const event = eventOf(line)
      // The end of a run ends its output, whatever of a character is missing.
      if (event._tag === "Done") events.push(...this.#output("stdout"), ...this.#output("stderr"))
      events.push(event)
      this.#line = []
      this.#lineLength = 0
      from = end + 1
    }
    this.#line.push(bytes.slice(from))
    this.#lineLength += bytes.length - from
    return this.#lineLength > maxLineBytes ? [...events, malformed(`at most ${maxLineBytes} bytes`)] : events
  }
}
