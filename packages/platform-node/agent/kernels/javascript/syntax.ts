/** What V8 makes of code before any of it runs. */
import { Script } from "node:vm"

/** Whether V8 refuses the code as a whole, so that nothing of it can have run. */
export const isRefused = (code: string) => !isBody(`{${code}\n}`)

/** What begins and ends with braces is an object to whoever writes it alone, though a block to V8. */
export const withObject = (code: string) =>
  /^\s*\{[^]*\}\s*$/.test(code) && isBody(`(${code}\n)`) ? `(${code}\n)` : code

/**
 * @param body of an asynchronous function
 */
const isBody = (body: string) => {
  try {
    return new Script(`async () => ${body}`) !== undefined
  } catch {
    return false
  }
}
