/** Writes to the standard streams, waiting where their reader is slow. */
import type { LogChunk } from "@effect-agb/core/Process"
import * as Effect from "effect/Effect"
import { paint } from "./style.js"

export const write = (stream: "stdout" | "stderr", data: string | Uint8Array): Effect.Effect<void> =>
  // Whether the reader is gone, which the callback may tell, is the business of `NodeAgb.runMain`.
  Effect.async<void>((resume) => {
    process[stream].write(data, () => resume(Effect.void))
  })

export const printLine = (text: string): Effect.Effect<void> => write("stdout", `${text}\n`)

export const printJson = (value: unknown): Effect.Effect<void> => printLine(JSON.stringify(value))

/** A line for people on standard error. */
export const note = (text: string): Effect.Effect<void> =>
  write("stderr", `${paint(process.stderr, "dim", `agb: ${text}`)}\n`)

/** What went wrong, on standard error. */
export const complain = (text: string): Effect.Effect<void> =>
  write("stderr", `${paint(process.stderr, "red", "agb:")} ${text}\n`)

/** Columns of equal width with headings on a terminal; otherwise one tab between the cells, and no headings. */
export const printTable = (
  headings: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): Effect.Effect<void> => {
  if (process.stdout.isTTY !== true) return Effect.forEach(rows, (row) => printLine(row.join("\t")), { discard: true })
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0))
  )
  const line = (cells: ReadonlyArray<string>) =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  const heading = line(headings)
  const first = heading === "" ? [] : [paint(process.stdout, "bold", heading)]
  return Effect.forEach([...first, ...rows.map(line)], printLine, { discard: true })
}

/** The output of a process as it is, or as events of JSON, in which characters are never split. */
export const printChunks = (isJson: boolean): (chunk: LogChunk) => Effect.Effect<void> => {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  return ({ bytes, stream }) =>
    isJson
      ? printJson({ type: stream, text: decoders[stream].decode(bytes, { stream: true }) })
      : write(stream, bytes)
}
