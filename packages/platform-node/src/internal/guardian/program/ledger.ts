/** What must be deleted, by account. */
import type { Account, Kind } from "../messages.js"

export type Ids = Readonly<Record<Kind, Set<string>>>

export interface Entry {
  readonly account: Account
  /** Of the program that is guarded. */
  readonly ids: Ids
  /** Left behind by earlier programs. */
  readonly inherited: Ids
}

const noIds = (): Ids => ({ attempt: new Set(), session: new Set() })

export const sizeOf = ({ attempt, session }: Ids): number => attempt.size + session.size

export class Ledger {
  readonly #entries = new Map<number, Entry>()
  /** Called after each change of an entry. */
  onChange: (entry: Entry) => void = () => {}

  get entries(): ReadonlyArray<Entry> {
    return [...this.#entries.values()]
  }

  open(watch: number, account: Account): Entry {
    const entry = { account, ids: noIds(), inherited: noIds() }
    this.#entries.set(watch, entry)
    return entry
  }

  /** Nothing will be added. Returns the entry if there is nothing in it either. */
  close(watch: number): Entry | undefined {
    const entry = this.#entries.get(watch)
    if (entry === undefined || sizeOf(entry.ids) + sizeOf(entry.inherited) > 0) return undefined
    this.#entries.delete(watch)
    return entry
  }

  change(change: "add" | "remove", watch: number, kind: Kind, id: string): void {
    const entry = this.#entries.get(watch)
    if (entry === undefined) return
    if (change === "add") entry.ids[kind].add(id)
    else entry.ids[kind].delete(id)
    this.onChange(entry)
  }

  inherit(entry: Entry, kind: Kind, ids: ReadonlyArray<string>): void {
    for (const id of ids) entry.inherited[kind].add(id)
    this.onChange(entry)
  }

  settle(entry: Entry, kind: Kind, id: string): void {
    entry.ids[kind].delete(id)
    entry.inherited[kind].delete(id)
    this.onChange(entry)
  }
}
