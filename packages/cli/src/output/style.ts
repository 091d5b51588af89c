/** Colours, where the stream is a terminal that shows them or the environment asks for them. */
import { stripVTControlCharacters } from "node:util"

interface Output {
  readonly isTTY?: boolean
}

/** `FORCE_COLOR` counts before `NO_COLOR`, as in Node itself. */
const hasColours = ({ isTTY }: Output): boolean => {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: term } = process.env
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false"
  return isTTY === true && (refused === undefined || refused === "") && term !== "dumb"
}

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const

export type Colour = keyof typeof codes

export const paint = (output: Output, colour: Colour, text: string): string => {
  const [on, off] = codes[colour]
  return hasColours(output) && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text
}

/** For texts that come with colours. */
export const fitting = (output: Output, text: string): string =>
  hasColours(output) ? text : stripVTControlCharacters(text)
