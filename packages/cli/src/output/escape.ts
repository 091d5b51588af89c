/** The way out of a terminal whose other side does not answer, as of `ssh`: `~.` at the beginning of a line. */

export interface Typed {
  /** What goes to the other side. */
  readonly bytes: Uint8Array
  readonly isEnd: boolean
}

const [enter, newline, tilde, dot] = [13, 10, 126, 46] as const

/** Holds back a tilde at the beginning of a line until the next key. */
export const makeEscape = () => {
  let state: "line" | "begin" | "tilde" = "begin"
  return (bytes: Uint8Array): Typed => {
    const passed: Array<number> = []
    for (const byte of bytes) {
      if (state === "tilde") {
        if (byte === dot) return { bytes: Uint8Array.from(passed), isEnd: true }
        // Two tildes type one.
        if (byte !== tilde) passed.push(tilde)
      }
      if (state === "begin" && byte === tilde) state = "tilde"
      else {
        passed.push(byte)
        state = byte === enter || byte === newline ? "begin" : "line"
      }
    }
    return { bytes: Uint8Array.from(passed), isEnd: false }
  }
}
