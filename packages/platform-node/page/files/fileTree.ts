/** Folders as far as they have been opened. */
import type { FileEntry } from "../../src/internal/pageWire/contract.js"
import { Signal } from "../state/store.js"
import { ApiError, folder } from "../wire/api.js"

export interface Node {
  readonly path: string
  readonly name: string
  readonly entry: FileEntry | undefined
  readonly level: number
  readonly isFolder: boolean
  readonly isOpen: boolean
  readonly isLoading: boolean
  readonly failure: string | undefined
  readonly isTruncated: boolean
  readonly position: number
  readonly count: number
}

interface Opened {
  entries: ReadonlyArray<FileEntry> | undefined
  isTruncated: boolean
  failure: string | undefined
}

export const childPath = (parent: string, name: string): string => parent === "/" ? `/${name}` : `${parent}/${name}`

export const parentPath = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")))

const isFolder = ({ type }: FileEntry): boolean => type === "directory"

const sorted = (entries: ReadonlyArray<FileEntry>): ReadonlyArray<FileEntry> =>
  [...entries].sort((one, other) =>
    Number(isFolder(other)) - Number(isFolder(one)) || one.name.localeCompare(other.name, undefined, { numeric: true })
  )

export class FileTree extends Signal {
  #opened = new Map<string, Opened>()

  isOpen(path: string): boolean {
    return this.#opened.has(path)
  }

  async open(path: string): Promise<void> {
    if (!this.#opened.has(path)) this.#opened.set(path, { entries: undefined, isTruncated: false, failure: undefined })
    this.tell()
    await this.#load(path)
  }

  /** Opens a folder and those it is in. */
  async reveal(path: string): Promise<void> {
    const names = path.split("/").filter((name) => name !== "")
    const paths = names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`)
    for (const each of ["/", ...paths]) if (!this.isOpen(each)) await this.open(each)
  }

  close(path: string): void {
    for (const other of [...this.#opened.keys()]) {
      if (other === path || other.startsWith(`${path === "/" ? "" : path}/`)) this.#opened.delete(other)
    }
    this.tell()
  }

  /** Looks again at everything that is open. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#opened.keys()].map((path) => this.#load(path)))
  }

  entry(path: string): FileEntry | undefined {
    const name = path.slice(path.lastIndexOf("/") + 1)
    return this.#opened.get(parentPath(path))?.entries?.find((entry) => entry.name === name)
  }

  /** The home of the session's user, once `/home` is open. */
  get home(): string | undefined {
    const folders = this.#opened.get("/home")?.entries?.filter(isFolder) ?? []
    const home = folders.find(({ name }) => name === "user") ?? folders[0]
    return home === undefined ? undefined : childPath("/home", home.name)
  }

  get nodes(): ReadonlyArray<Node> {
    return this.#nodesIn("/", 1)
  }

  get rootFailure(): string | undefined {
    return this.#opened.get("/")?.failure
  }

  async #load(path: string): Promise<void> {
    const known = this.#opened.get(path)
    try {
      const { entries, isTruncated } = await folder(path)
      if (this.#opened.has(path)) this.#opened.set(path, { entries: sorted(entries), isTruncated, failure: undefined })
    } catch (error) {
      // After the end of the session what was read stays.
      const isGone = error instanceof ApiError && error.status === 410 && known?.entries !== undefined
      const failure = isGone ? undefined : (error as Error).message
      if (this.#opened.has(path)) this.#opened.set(path, { entries: known?.entries, isTruncated: false, failure })
    }
    this.tell()
  }

  #nodesIn(path: string, level: number): ReadonlyArray<Node> {
    const entries = this.#opened.get(path)?.entries ?? []
    return entries.flatMap((entry, index) => {
      const own = childPath(path, entry.name)
      const opened = this.#opened.get(own)
      const node: Node = {
        path: own,
        name: entry.name,
        entry,
        level,
        isFolder: isFolder(entry),
        isOpen: opened !== undefined,
        isLoading: opened !== undefined && opened.entries === undefined && opened.failure === undefined,
        failure: opened?.failure,
        isTruncated: opened?.isTruncated ?? false,
        position: index + 1,
        count: entries.length
      }
      return opened === undefined ? [node] : [node, ...this.#nodesIn(own, level + 1)]
    })
  }
}
