/** Finds calls with type arguments by their tokens, in linear time. */
import { type Token, tokenizer, type TokenType, tokTypes } from "acorn"

/** Tokens that types consist of, besides brackets and what is handled below. */
const ofTypes = new Set([
  tokTypes.name,
  tokTypes.string,
  tokTypes.num,
  tokTypes.comma,
  tokTypes.dot,
  tokTypes.question,
  tokTypes.colon,
  tokTypes.arrow,
  tokTypes.bitwiseOR,
  tokTypes.bitwiseAND,
  tokTypes._typeof,
  tokTypes._void,
  tokTypes._null,
  tokTypes._true,
  tokTypes._false,
  tokTypes._this,
  tokTypes._new,
  tokTypes._extends,
  tokTypes._in
])

const opening = new Set([tokTypes.parenL, tokTypes.bracketL, tokTypes.braceL])

const closing = new Set([tokTypes.parenR, tokTypes.bracketR, tokTypes.braceR])

/** `<` stands for an angle bracket that may open type arguments, `(` for any other bracket. */
type Open = "<" | "("

export const hasTypedCall = (code: string): boolean => {
  try {
    return findTypedCall(code)
  } catch {
    // V8 refuses it too, and it is tried as TypeScript then.
    return false
  }
}

const findTypedCall = (code: string) => {
  const open: Array<Open> = []
  let previous: Token | undefined
  const dropAngles = () => {
    while (open.at(-1) === "<") open.pop()
  }

  for (const token of tokenizer(code, { ecmaVersion: "latest", allowHashBang: true })) {
    const { end, start, type } = token
    if (type === tokTypes.relational && code.slice(start, end) === "<") {
      if (previous?.type === tokTypes.name && previous.end === start) open.push("<")
      else dropAngles()
    } else if (isAngleEnd(type, code.slice(start, end))) {
      for (let each = start; each < end; each++) {
        const closed = open.at(-1) === "<"
        if (closed) open.pop()
        if (closed && each === end - 1 && open.at(-1) !== "<" && code[end] === "(") return true
      }
    } else if (opening.has(type)) open.push("(")
    else if (closing.has(type)) {
      dropAngles()
      open.pop()
    } else if (!ofTypes.has(type) && !(type === tokTypes.semi && open.at(-1) !== "<")) dropAngles()
    previous = token
  }
  return false
}

const isAngleEnd = (type: TokenType, text: string) =>
  (type === tokTypes.relational || type === tokTypes.bitShift) && /^>+$/.test(text)
