/**
 * The messages between the agent and a kernel: one line each, of tab-separated fields; tabs, line ends and the escape
 * character are escaped. It is not JSON because every language has to parse it without a library: Python starts a third
 * faster without its `json` module, and Java and R have none.
 */

const escape = "\u0001"

const letters: Record<string, string> = { "\u0001": "a", "\n": "n", "\r": "r", "\t": "t" }

const characters: Record<string, string> = Object.fromEntries(
  Object.entries(letters).map(([character, letter]) => [letter, character])
)

export const encodeFields = (fields: ReadonlyArray<string | number>) =>
  fields.map((field) => String(field).replace(/[\u0001\n\r\t]/g, (found) => escape + letters[found])).join("\t") + "\n"

export const decodeFields = (line: string) =>
  line.split("\t").map((field) =>
    field.includes(escape) ? field.replace(/\u0001(.)/g, (_, letter) => characters[letter] ?? "") : field
  )

/** Splits a byte stream into lines. A line longer than `maxBytes` is dropped and calls `onTooLong`. */
export const lines = (
  maxBytes: number,
  onLine: (line: string) => void,
  onTooLong: () => void
): (chunk: Buffer) => void => {
  let parts: Array<Buffer> = []
  let size = 0

  return (chunk) => {
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, at)]).toString("utf8")
      parts = []
      size = 0
      from = at + 1
      onLine(line)
    }
    if (from === chunk.length || size > maxBytes) return
    parts.push(Buffer.from(chunk.subarray(from)))
    size += chunk.length - from
    if (size > maxBytes) {
      parts = []
      onTooLong()
    }
  }
}
