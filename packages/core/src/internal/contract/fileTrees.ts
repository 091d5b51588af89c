/** Trees of files with odd names and modes, the same for the same seed. */
import type * as PlatformError from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

/** A repeatable sequence of numbers from 0 to 1. */
export const random = (seed: number) => () => {
  seed = Math.imul(seed ^ seed >>> 15, 2_246_822_519) + 0x9e3779b9 | 0
  return (seed >>> 0) / 2 ** 32
}

/** What names are made of: what shells, terminals and other file systems take for something else. */
const letters = [..."aBß é日🎈İ\n\t\r\u0001\u007f\u2028\u202e$'\"*\\.-~#%:?|;", "e\u0301"]

const nameOf = (next: () => number): string => {
  const length = next() < 0.05 ? 50 : 1 + Math.floor(next() ** 2 * 12)
  const name = Array.from({ length }, () => letters[Math.floor(next() * letters.length)]).join("")
  return /^(\.{1,2}$|\.agb-)/.test(name) ? `x${name}` : name
}

const contentOf = (next: () => number): Uint8Array => {
  const length = Math.floor(next() < 0.02 ? next() * 6_000_000 : next() ** 4 * 5000)
  const pattern = Uint8Array.from({ length: 1 + Math.floor(next() * 999) }, () => next() * 256)
  return Uint8Array.from({ length }, (_, index) => pattern[index % pattern.length] ?? 0)
}

export const makeTree = (
  files: FileSystem.FileSystem,
  root: string,
  next: () => number,
  depth = 0
): Effect.Effect<void, PlatformError.PlatformError> =>
  Effect.gen(function*() {
    yield* files.makeDirectory(root)
    const names = new Set(Array.from({ length: Math.floor(next() * 6) }, () => nameOf(next)))
    for (const name of names) {
      const path = `${root}/${name}`
      if (next() < 0.35 && depth < 4) yield* makeTree(files, path, next, depth + 1)
      else {
        yield* files.writeFile(path, contentOf(next))
        yield* files.chmod(path, [0o644, 0o600, 0o755, 0o444, 0o400][Math.floor(next() * 5)] ?? 0o644)
      }
    }
    yield* files.chmod(root, [0o755, 0o700, 0o555][Math.floor(next() * 3)] ?? 0o755)
  })

/** Every path with its mode, and the content of files. */
export const treeOf = (
  files: FileSystem.FileSystem,
  root: string
): Effect.Effect<ReadonlyArray<string>, PlatformError.PlatformError> =>
  Effect.gen(function*() {
    const found: Array<string> = []
    for (const name of yield* files.readDirectory(root)) {
      const path = `${root}/${name}`
      const { mode, type } = yield* files.stat(path)
      const entry = `${name} ${(mode & 0o777).toString(8)}`
      if (type === "Directory") {
        found.push(entry, ...(yield* treeOf(files, path)).map((inner) => `${name}/${inner}`))
      } else found.push(`${entry} ${Encoding.encodeHex(yield* files.readFile(path))}`)
    }
    return found.sort()
  })
