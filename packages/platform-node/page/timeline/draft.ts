/** What stands in the cell, which entries of the timeline can be put back into. */
import { Value } from "../state/store.js"

/** A language, or `command` for a line of shell. */
export const draftLanguage = new Value("")
export const draftText = new Value("")

export const focusCell = (): void => document.getElementById("cell")?.focus()

export const editInCell = (language: string, text: string): void => {
  draftLanguage.set(language)
  draftText.set(text)
  focusCell()
}
