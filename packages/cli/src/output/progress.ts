/** A progress bar on standard error, where that is a terminal. */
import * as Effect from "effect/Effect"
import { paint } from "./style.js"

interface Progress {
  readonly bytes: number
  readonly totalBytes: number
  readonly files: number
  readonly totalFiles: number
}

const width = 24

const minMillis = 80

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const

export const formatBytes = (bytes: number): string => {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

const lineOf = ({ bytes, files, totalBytes, totalFiles }: Progress): string => {
  const part = totalBytes === 0 ? (files === totalFiles ? 1 : 0) : Math.min(1, bytes / totalBytes)
  const full = Math.round(part * width)
  const bar = paint(process.stderr, "cyan", "━".repeat(full)) + paint(process.stderr, "dim", "━".repeat(width - full))
  const percent = `${Math.floor(part * 100)}%`.padStart(4)
  const count = totalFiles > 1 ? `, ${files} of ${totalFiles} files` : ""
  return `${bar} ${percent}  ${formatBytes(bytes)} of ${formatBytes(totalBytes)}${count}`
}

/** Shows how far it is, at most twelve times a second; the line is removed with the scope. */
export const progressBar = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => ({ isShown: process.stderr.isTTY === true, last: 0 })),
    ({ isShown }) => Effect.sync(() => isShown && process.stderr.write("\r\x1b[K"))
  ),
  (state) => (progress: Progress): Effect.Effect<void> =>
    Effect.sync(() => {
      const now = Date.now()
      if (!state.isShown || now - state.last < minMillis) return
      state.last = now
      process.stderr.write(`\r\x1b[K${lineOf(progress)}`)
    })
)
