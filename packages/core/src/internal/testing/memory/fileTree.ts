/** A tree of files in memory: absolute paths, no links and no owners. */
import { ToolFailure } from "../../../AgbServer.js"

export interface Node {
  /** Absent for a directory. */
  readonly bytes: Uint8Array | undefined
  /** Grows with every change. */
  readonly version: number
  /** Permissions. */
  readonly mode: number
  /** In milliseconds since the epoch. */
  readonly modifiedAt: number
}

export type Snapshot = ReadonlyMap<string, Node>

export type ChangeType = "create" | "modify" | "delete"

export interface Change {
  readonly eventType: ChangeType
  readonly path: string
  readonly pathType: "file" | "directory"
}

export const failure = (code: string, text: string): ToolFailure => new ToolFailure({ text: `${code}: ${text}` })

const missing = (path: string) => failure("ENOENT", `no such file or directory: ${path}`)

/** Resolves `.` and `..`. */
export const normal = (path: string): string => {
  const parts: Array<string> = []
  for (const part of path.split("/")) {
    if (part === "..") parts.pop()
    else if (part !== "" && part !== ".") parts.push(part)
  }
  return `/${parts.join("/")}`
}

export const parentOf = (path: string): string => normal(`${path}/..`)

export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

const isSame = (one: Node | undefined, other: Node): boolean => one?.version === other.version

/** The tree of one session. Its methods throw `ToolFailure`. */
export class FileTree {
  readonly #nodes = new Map<string, Node>([["/", { bytes: undefined, version: 0, mode: 0o755, modifiedAt: 0 }]])
  readonly #baselines = new Map<string, Snapshot>()
  #version = 0

  constructor() {
    for (const path of ["/tmp", "/home"]) this.makeDirectory(path, 0)
  }

  get(path: string): Node {
    const node = this.#nodes.get(normal(path))
    if (node === undefined) throw missing(path)
    return node
  }

  has(path: string): boolean {
    return this.#nodes.has(normal(path))
  }

  isDirectory(path: string): boolean {
    return this.get(path).bytes === undefined
  }

  requireDirectory(path: string): void {
    if (!this.isDirectory(path)) throw failure("ENOTDIR", `not a directory: ${path}`)
  }

  file(path: string): Uint8Array {
    const { bytes } = this.get(path)
    if (bytes === undefined) throw failure("EISDIR", `is a directory: ${path}`)
    return bytes
  }

  /** Writes a file whose directory exists. It keeps its permissions, unless others are given. */
  put(path: string, bytes: Uint8Array, at: number, permissions?: number): void {
    const before = this.#nodes.get(normal(path))
    if (before !== undefined && before.bytes === undefined) throw failure("EISDIR", `is a directory: ${path}`)
    this.#set(path, bytes, permissions ?? before?.mode ?? 0o644, at)
  }

  makeDirectory(path: string, at: number): void {
    const found = this.#nodes.get(normal(path))
    if (found?.bytes !== undefined) throw failure("EEXIST", `file already exists: ${path}`)
    if (found !== undefined) return
    this.makeDirectory(parentOf(path), at)
    this.#set(path, undefined, 0o755, at)
  }

  #set(path: string, bytes: Uint8Array | undefined, mode: number, modifiedAt: number): void {
    this.requireDirectory(parentOf(path))
    this.#nodes.set(normal(path), { bytes, version: this.#version += 1, mode, modifiedAt })
  }

  setMode(path: string, mode: number): void {
    this.#nodes.set(normal(path), { ...this.get(path), mode })
  }

  below(path: string): Snapshot {
    const prefix = normal(path) === "/" ? "/" : `${normal(path)}/`
    return new Map([...this.#nodes].filter(([name]) => name.startsWith(prefix) && name !== prefix))
  }

  /** Removes a file, or a directory with all that is in it. */
  remove(path: string): void {
    this.get(path)
    for (const name of this.below(path).keys()) this.#nodes.delete(name)
    this.#nodes.delete(normal(path))
  }

  copy(source: string, destination: string): void {
    const node = this.get(source)
    const inside = this.below(source)
    this.#set(destination, node.bytes, node.mode, node.modifiedAt)
    for (const [path, { bytes, mode, modifiedAt }] of inside) {
      this.#set(normal(destination) + path.slice(normal(source).length), bytes, mode, modifiedAt)
    }
  }

  move(source: string, destination: string): void {
    this.get(source)
    if (this.has(destination)) throw failure("EEXIST", `already exists: ${destination}`)
    this.copy(source, destination)
    this.remove(source)
  }

  /** What has changed below a directory since it was last asked for. */
  changes(path: string): ReadonlyArray<Change> {
    this.requireDirectory(path)
    const now = this.below(path)
    const before = this.#baselines.get(normal(path)) ?? now
    this.#baselines.set(normal(path), now)
    const event = (eventType: ChangeType) => ([path, { bytes }]: readonly [string, Node]): Change => ({
      eventType,
      path,
      pathType: bytes === undefined ? "directory" : "file"
    })
    return [
      ...[...now].filter(([path]) => !before.has(path)).map(event("create")),
      ...[...now].filter(([path, node]) =>
        node.bytes !== undefined && before.has(path) && !isSame(before.get(path), node)
      )
        .map(event("modify")),
      ...[...before].filter(([path]) => !now.has(path)).map(event("delete"))
    ]
  }
}
