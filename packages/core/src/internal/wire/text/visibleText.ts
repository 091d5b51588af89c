/** Text of servers and sessions, made safe for logs and terminals. */

/** C0 and C1 controls, line and paragraph separators, and the controls of text direction. */
const invisible = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

const escape = (character: string): string =>
  short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** The same for a text of several lines, such as the error of a tool: its newlines and tabs are kept. */
export const visibleLines = (text: string): string =>
  text.replace(invisible, (character) => character === "\n" || character === "\t" ? character : escape(character))

/** Writes control characters as escapes: a text stays on its line and cannot command a terminal. */
export const visible = (text: string): string => text.replace(invisible, escape)
