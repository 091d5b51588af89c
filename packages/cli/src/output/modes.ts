/** Modes of a terminal that programs switch on, and that must not outlive them: mouse reports, the alternate screen and the like. */

const pattern = /\x1b\[\?([\d;]+)([hl])/g

/** What is on in a terminal unless it is switched off: the cursor, and that lines wrap. */
const onByDefault = new Set(["7", "25"])

/** Longer than any sequence that sets modes. */
const tail = 64

export class Modes {
  readonly #decoder = new TextDecoder("latin1")
  readonly #changed = new Set<string>()
  #rest = ""

  /** Reads what is written to the terminal. */
  read(bytes: Uint8Array): void {
    const text = this.#rest + this.#decoder.decode(bytes)
    let end = 0
    for (const match of text.matchAll(pattern)) {
      const isOn = match[2] === "h"
      for (const mode of (match[1] ?? "").split(";")) {
        if (isOn === onByDefault.has(mode)) this.#changed.delete(mode)
        else this.#changed.add(mode)
      }
      end = match.index + match[0].length
    }
    this.#rest = text.slice(Math.max(end, text.length - tail))
  }

  /** What sets the terminal back. */
  reset(): string {
    const modes = [...this.#changed].map((mode) => `\x1b[?${mode}${onByDefault.has(mode) ? "h" : "l"}`)
    return modes.length === 0 ? "" : `${modes.join("")}\x1b[0m`
  }
}
