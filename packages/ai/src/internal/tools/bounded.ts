/** Text for models: no control characters, bounded in length, and what was left out is said. */
import * as RichResult from "@effect-agb/core/RichResult"

/** A text of which the middle may be missing. */
export interface Bounded {
  readonly text: string
  readonly isCut: boolean
}

/** Colours and cursor movements of terminals. */

const escapeSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g

/** Of a progress bar only its last state is left. */
const lastState = (line: string): string => {
  const content = line.replace(/\r+$/, "")
  return content.slice(content.lastIndexOf("\r") + 1)
}

export const plain = (text: string): string =>
  RichResult.show({
    stdout: text.replace(escapeSequence, "").split("\n").map(lastState).join("\n"),
    stderr: ""
  }, { maxCharacters: Infinity })

const count = (n: number, unit: string): string => `${n.toLocaleString("en-US")} ${unit}${n === 1 ? "" : "s"}`

/** Up to a line end if there is one in the last quarter, and never through a surrogate pair. */
const head = (text: string, length: number): string => {
  const cut = text.slice(0, length).replace(/[\ud800-\udbff]$/, "")
  const end = cut.lastIndexOf("\n")
  return end > length * 0.75 ? cut.slice(0, end) : cut
}

const tail = (text: string, length: number): string => {
  const cut = text.slice(-length).replace(/^[\udc00-\udfff]/, "")
  const start = cut.indexOf("\n")
  return start !== -1 && start < length * 0.25 ? cut.slice(start + 1) : cut
}

/** Cuts a text in its middle: errors tend to stand at its end, and what was tried at its beginning. */
export const bound = (text: string, maxCharacters: number, rest: string): Bounded => {
  if (text.length <= maxCharacters) return { text, isCut: false }
  const [first, last] = [head(text, Math.ceil(maxCharacters / 2)), tail(text, Math.floor(maxCharacters / 2))]
  const omitted = text.slice(first.length, text.length - last.length).replace(/^\n/, "")
  const lines = omitted.split("\n").length - 1
  const size = `${count(omitted.length, "character")}${lines === 0 ? "" : ` in ${count(lines, "line")}`}`
  return { text: `${first}\n[${size} left out here; ${rest}]\n${last}`, isCut: true }
}
