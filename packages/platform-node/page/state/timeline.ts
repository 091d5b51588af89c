/**
 * What ran, in the order in which it began. Components are told once per frame: the list of what joins or ends, an entry of
 * everything that is about itself. Bounded: an entry keeps the end of its
 * output; beyond `mostEntries` the oldest are forgotten, beyond `mostCharacters` the output of the oldest.
 */
import type { Entry, Message, Output, Result } from "../../src/internal/pageWire/contract.js"
import { OutputText } from "../text/outputText.js"
import { oncePerFrame } from "./frames.js"
import { Signal } from "./store.js"

const mostEntries = 2000
const charactersPerEntry = 64 * 1024
const mostCharacters = 16 * 2 ** 20

export class Item extends Signal {
  entry: Entry
  results: ReadonlyArray<Result>
  output: OutputText

  constructor(entry: Entry) {
    super()
    this.entry = entry
    this.results = entry.results
    this.output = outputOf(entry.outputs)
  }
}

const outputOf = (outputs: ReadonlyArray<Output>): OutputText => {
  const output = new OutputText(charactersPerEntry)
  for (const { stream, text } of outputs) output.append(stream, text)
  output.settle()
  return output
}

/** As much of an id as is shown: shorter texts of digits occur in any. */
const isBeginningOf = (word: string, requestId: string | null): boolean =>
  word.length >= 8 && requestId?.toLowerCase().startsWith(word) === true

const matches = (item: Item, words: ReadonlyArray<string>): boolean => {
  const { error, path, requestId, text, title } = item.entry
  const all = [title, text, path, error?.name, error?.message, item.output.text].join("\n").toLowerCase()
  return words.every((word) => all.includes(word) || isBeginningOf(word, requestId))
}

export interface Filter {
  readonly kind: Entry["kind"] | "all"
  readonly text: string
  readonly isFailedOnly: boolean
}

export class Timeline extends Signal {
  #items = new Map<string, Item>()
  #changed = new Set<Item>()
  #isListChanged = false
  #tell = oncePerFrame(() => this.#tellAll())
  /** Entries that neither the server nor the page still has. */
  dropped = 0

  get items(): ReadonlyArray<Item> {
    return [...this.#items.values()]
  }

  get size(): number {
    return this.#items.size
  }

  filtered({ isFailedOnly, kind, text }: Filter): ReadonlyArray<Item> {
    const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "")
    return this.items.filter((item) =>
      (kind === "all" || item.entry.kind === kind) && (!isFailedOnly || item.entry.state === "failed") &&
      (words.length === 0 || matches(item, words))
    )
  }

  reset(entries: ReadonlyArray<Entry>, dropped: number): void {
    const before = this.#items
    this.#items = new Map()
    for (const { id } of entries) {
      const known = before.get(id)
      if (known !== undefined) this.#items.set(id, known)
    }
    this.dropped = dropped
    this.#isListChanged = true
    this.#tell()
    this.merge(entries)
  }

  merge(entries: ReadonlyArray<Entry>): void {
    for (const entry of entries) this.#put(entry)
    this.#bound()
  }

  apply(message: Extract<Message, { type: "entry" | "output" | "result" | "end" }>): void {
    if (message.type === "entry") return this.merge([message.entry])
    const item = this.#items.get(message.id)
    if (item === undefined) return
    if (message.type === "output") item.output.append(message.stream, message.text)
    else if (message.type === "result") item.results = [...item.results, message.result]
    else {
      const { durationMs, error, exitCode, omittedBytes = 0, outputs, results, state } = message
      item.entry = { ...item.entry, durationMs, error, exitCode, state }
      if (outputs !== undefined) {
        item.output = outputOf(outputs)
        item.entry = { ...item.entry, omittedBytes }
      }
      if (results !== undefined) item.results = results
      this.#isListChanged = true
      this.#bound()
    }
    this.#touch(item)
  }

  #put(entry: Entry): void {
    const existing = this.#items.get(entry.id)
    if (existing === undefined) {
      this.#items.set(entry.id, new Item(entry))
    } else {
      existing.entry = entry
      existing.results = entry.results
      existing.output = outputOf(entry.outputs)
      this.#touch(existing)
    }
    this.#isListChanged = true
    this.#tell()
  }

  #touch(item: Item): void {
    this.#changed.add(item)
    this.#tell()
  }

  #bound(): void {
    while (this.#items.size > mostEntries) {
      this.#items.delete(this.#items.keys().next().value!)
      this.dropped++
    }
    let left = [...this.#items.values()].reduce((sum, { output }) => sum + output.size, 0) - mostCharacters
    for (const item of this.#items.values()) {
      if (left <= 0) return
      left -= item.output.size
      item.output.clear()
      this.#touch(item)
    }
  }

  #tellAll(): void {
    const changed = [...this.#changed]
    this.#changed.clear()
    for (const item of changed) {
      item.output.settle()
      item.tell()
    }
    if (this.#isListChanged) this.tell()
    this.#isListChanged = false
  }
}
