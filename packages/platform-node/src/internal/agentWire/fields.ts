/**
 * What the agent and a kernel say to each other: lines of fields, tab between two. It can be read and written in a few
 * lines of any language without a library, which is why it is not JSON: Python starts in two thirds of the time without
 * its `json` module, and Java and R have none.
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

/**
 * Calls back for each line of a stream of bytes. A line over the limit ends in `onTooLong`, once.
 *
 * @param limit in bytes
 */
export const lines = (
  limit: number,
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
    if (from === chunk.length || size > limit) return
    parts.push(Buffer.from(chunk.subarray(from)))
    size += chunk.length - from
    if (size > limit) {
      parts = []
      onTooLong()
    }
  }
}
