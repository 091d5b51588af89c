/** Unified diffs. */

const context = 3

/** If more lines differ, everything between the first and the last difference is shown as replaced. */
const maxChanges = 1000

interface Row {
  readonly kind: " " | "-" | "+"
  readonly line: string
}

/** Empty if the texts are equal. */
export const unifiedDiff = (name: string, before: string, after: string): string => {
  if (before === after) return ""
  const hunks = hunksOf(rowsOf(linesOf(before), linesOf(after)))
  return `--- ${name}\n+++ ${name}\n${hunks.join("")}`
}

const linesOf = (text: string) => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

const rowsOf = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<Row> => {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before[head] === after[head]) head++
  let tail = 0
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  const old = before.slice(head, before.length - tail)
  const now = after.slice(head, after.length - tail)
  return [
    ...rows(" ", before.slice(0, head)),
    ...shortest(old, now) ?? [...rows("-", old), ...rows("+", now)],
    ...rows(" ", before.slice(before.length - tail))
  ]
}

const rows = (kind: Row["kind"], lines: ReadonlyArray<string>): ReadonlyArray<Row> =>
  lines.map((line) => ({ kind, line }))

/** Myers' shortest edit script; undefined if it is longer than `maxChanges`. */
const shortest = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<Row> | undefined => {
  const max = Math.min(before.length + after.length, maxChanges)
  const reach = new Int32Array(2 * max + 3)
  const trace: Array<Int32Array> = []
  const at = (k: number) => reach[k + max + 1] ?? 0
  for (let d = 0; d <= max; d++) {
    trace.push(reach.slice(max - d, max + d + 3))
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1
      while (x < before.length && x - k < after.length && before[x] === after[x - k]) x++
      reach[k + max + 1] = x
      if (x >= before.length && x - k >= after.length) return walkBack(trace, before, after)
    }
  }
  return undefined
}

/** `trace[d]` holds the furthest reaching points of the diagonals -d-1 … d+1 before round d. */
const walkBack = (trace: ReadonlyArray<Int32Array>, before: ReadonlyArray<string>, after: ReadonlyArray<string>) => {
  const found: Array<Row> = []
  let x = before.length
  let y = after.length
  for (let d = trace.length - 1; d >= 0; d--) {
    const reach = trace[d] as Int32Array
    const at = (k: number) => reach[k + d + 1] ?? 0
    const k = x - y
    const from = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1
    const fromX = d === 0 ? 0 : at(from)
    const fromY = d === 0 ? 0 : fromX - from
    while (x > fromX && y > fromY) found.push({ kind: " ", line: before[(y--, --x)] ?? "" })
    if (x > fromX) found.push({ kind: "-", line: before[--x] ?? "" })
    else if (y > fromY) found.push({ kind: "+", line: after[--y] ?? "" })
  }
  return found.reverse()
}

/** Changes with their context lines; adjacent changes share a hunk. */
const hunksOf = (all: ReadonlyArray<Row>) => {
  const changed = all.flatMap((row, index) => row.kind === " " ? [] : [index])
  const spans: Array<[from: number, to: number]> = []
  for (const index of changed) {
    const last = spans.at(-1)
    if (last !== undefined && index - last[1] <= 2 * context) last[1] = index + 1
    else spans.push([index, index + 1])
  }
  let seen = 0
  let removed = 1
  let added = 1
  return spans.map(([from, to]) => {
    const start = Math.max(0, from - context)
    for (; seen < start; seen++) {
      if (all[seen]?.kind !== "+") removed++
      if (all[seen]?.kind !== "-") added++
    }
    return hunk(all.slice(start, to + context), removed, added)
  })
}

const hunk = (part: ReadonlyArray<Row>, oldStart: number, newStart: number) => {
  const oldCount = part.filter((row) => row.kind !== "+").length
  const newCount = part.filter((row) => row.kind !== "-").length
  const lines = part.map(({ kind, line }) =>
    line.endsWith("\n") ? kind + line : `${kind}${line}\n\\ No newline at end of file\n`
  )
  return `@@ -${range(oldStart, oldCount)} +${range(newStart, newCount)} @@\n${lines.join("")}`
}

const range = (start: number, count: number) => count === 1 ? `${start}` : `${count === 0 ? start - 1 : start},${count}`
