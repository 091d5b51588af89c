/** Tables of text (RFC 4180), as far as a preview shows them. */

export interface Table {
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly isWhole: boolean
}

const separators = [",", ";", "\t", "|"]

/** The separator that splits the first line into most fields. */
const separatorOf = (text: string): string => {
  const line = text.slice(0, Math.max(0, text.indexOf("\n")) || text.length)
  const counted = separators.map((separator) => [line.split(separator).length, separator] as const)
  return counted.sort(([one], [other]) => other - one)[0]![1]
}

/** One field and where it ends: at a separator, a line end or the end of the text. */
const fieldAt = (text: string, at: number, separator: string): readonly [string, number] => {
  if (text[at] !== "\"") {
    let end = at
    while (end < text.length && text[end] !== separator && text[end] !== "\n") end++
    return [text.slice(at, end).replace(/\r$/, ""), end]
  }
  let end = at + 1
  while (end < text.length && (text[end] !== "\"" || text[end + 1] === "\"")) end += text[end] === "\"" ? 2 : 1
  let next = end + 1
  while (next < text.length && text[next] !== separator && text[next] !== "\n") next++
  return [text.slice(at + 1, end).replaceAll("\"\"", "\""), next]
}

export const parseTable = (text: string, mostRows: number, mostColumns: number): Table => {
  const separator = separatorOf(text)
  const rows: Array<Array<string>> = []
  let isWhole = true
  let row: Array<string> = []
  let at = 0
  while (at < text.length && rows.length < mostRows) {
    const [field, end] = fieldAt(text, at, separator)
    if (row.length < mostColumns) row.push(field)
    else isWhole = false
    if (end >= text.length || text[end] === "\n") {
      rows.push(row)
      row = []
    } else if (end + 1 >= text.length) rows.push([...row, ""])
    at = end + 1
  }
  return { rows, isWhole: isWhole && at >= text.length }
}
