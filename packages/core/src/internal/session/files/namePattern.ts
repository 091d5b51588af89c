/**
 * Patterns of file names: `*` and `?` stand for characters other than a slash, `**` for any, and `**` before a slash for any
 * folders or none. They are matched without backtracking, in time proportional to the length of the pattern times that of the path.
 */

type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "one" | "many" | "all" | "folders" }

const kinds: Readonly<Record<string, "one" | "many" | "all" | "folders">> = {
  "?": "one",
  "*": "many",
  "**": "all",
  "**/": "folders"
}

const tokensOf = (pattern: string): ReadonlyArray<Token> =>
  (pattern.match(/(?<=^|\/)\*\*\/|\*+|[^]/gu) ?? []).map((text) => {
    const kind = kinds[text.replace(/^\*{3,}$/, "**")]
    return kind === undefined ? { kind: "text", text } : { kind }
  })

/** Whether a character leaves the state at a token for the next one, and whether it keeps it. */
const moves = (token: Token, character: string): readonly [leaves: boolean, keeps: boolean] => {
  switch (token.kind) {
    case "text":
      return [character === token.text, false]
    case "one":
      return [character !== "/", false]
    case "many":
      return [character !== "/", character !== "/"]
    case "all":
      return [true, true]
    case "folders":
      return [character === "/", true]
  }
}

/** Adds a state and those that follow without a character. */
const enter = (states: Set<number>, tokens: ReadonlyArray<Token>, state: number): void => {
  for (let at = state;; at += 1) {
    states.add(at)
    const kind = tokens[at]?.kind
    if (kind === undefined || kind === "text" || kind === "one") return
  }
}

/** Whether a name matches or, if the pattern has a slash, a relative path. */
export const compile = (pattern: string): (path: string) => boolean => {
  const tokens = tokensOf(pattern)
  return (path) => {
    let now = new Set<number>()
    enter(now, tokens, 0)
    for (const character of pattern.includes("/") ? path : path.slice(path.lastIndexOf("/") + 1)) {
      const next = new Set<number>()
      for (const state of now) {
        const token = tokens[state]
        if (token === undefined) continue
        const [leaves, keeps] = moves(token, character)
        if (leaves) enter(next, tokens, state + 1)
        if (keeps) next.add(state)
      }
      now = next
    }
    return now.has(tokens.length)
  }
}
