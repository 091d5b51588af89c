/** How much of what has happened is kept, in memory. Sizes are in bytes, or in characters of a text. */

/** Of one session; the oldest that has ended is forgotten first. */
export const maxEntries = 500

/** Of the code or the command of an entry. */
export const maxTextLength = 64 * 1024

/** Of the output of an entry; the newest is kept. */
export const maxOutputLength = 256 * 1024

/** Of an entry: what it displays, and its reply, which is kept as it was sent until a page is open. */
export const maxEntryBytes = 4 * 1024 * 1024

/** Of a session. */
export const maxSessionBytes = 16 * 1024 * 1024

/** Of all sessions together: beyond that each has its equal share, but no less than the least. */
export const maxRuntimeBytes = 256 * 1024 * 1024
export const minSessionBytes = 256 * 1024

const lineLength = 160

/** A copy of the beginning of a text: a slice would keep all of it in memory. */
export const beginningOf = (text: string, length: number): string =>
  text.length <= length ? text : Buffer.from(text.slice(0, length)).toString()

/** A copy of the end of a text. */
export const endOf = (text: string, length: number): string =>
  text.length <= length ? text : Buffer.from(text.slice(text.length - length)).toString()

/** The first line of a text that is not empty, as a title. */
export const titleOf = (text: string): string => {
  const line = /\S.*/.exec(text.slice(0, 4096))?.[0].trim() ?? ""
  return line.length <= lineLength ? beginningOf(`${line} `, line.length) : `${line.slice(0, lineLength)}…`
}
