/** The files of a session, as a test reads and writes them. */
import { type FileTree, parentOf } from "./fileTree.js"

export interface Files {
  /** The text of a file, or `undefined` if there is none. */
  readonly text: (path: string) => string | undefined
  /** The bytes of a file, or `undefined` if there is none. */
  readonly bytes: (path: string) => Uint8Array | undefined
  /** Writes a file, and makes the directories above it. */
  readonly write: (path: string, content: string | Uint8Array) => void
  /** The paths of all files, sorted. */
  readonly paths: () => ReadonlyArray<string>
}

export const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content.slice()

/** Writes a file, and makes the directories above it. */
export const write = (tree: FileTree, path: string, content: string | Uint8Array, at: number): void => {
  tree.makeDirectory(parentOf(path), at)
  tree.put(path, bytesOf(content), at)
}

/** The paths of the files below a directory. */
export const pathsBelow = (tree: FileTree, path: string): ReadonlyArray<string> =>
  [...tree.below(path)].flatMap(([name, { bytes }]) => bytes === undefined ? [] : [name]).sort()

export const make = (tree: FileTree, now: () => number): Files => {
  const bytes = (path: string) => tree.has(path) ? tree.get(path).bytes?.slice() : undefined
  return {
    bytes,
    text: (path) => {
      const found = bytes(path)
      return found === undefined ? undefined : new TextDecoder().decode(found)
    },
    write: (path, content) => write(tree, path, content, now()),
    paths: () => pathsBelow(tree, "/")
  }
}
