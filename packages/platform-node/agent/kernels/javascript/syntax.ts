/** Parses code with V8 without running it. */
import { Script } from "node:vm"

/** Whether the code as a whole does not parse, so that none of it can have run. */
export const failsToParse = (code: string) => !isFunctionBody(`{${code}\n}`)

/** Code that consists of an object literal would be parsed as a block: wraps it in parentheses. */
export const wrapObjectLiteral = (code: string) =>
  /^\s*\{[^]*\}\s*$/.test(code) && isFunctionBody(`(${code}\n)`) ? `(${code}\n)` : code

/** Whether it is a valid body of an async arrow function. */
const isFunctionBody = (body: string) => {
  try {
    return new Script(`async () => ${body}`) !== undefined
  } catch {
    return false
  }
}
