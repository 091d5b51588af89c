/** What screen readers are told, politely and seldom: what comes within the pause is told together. */
import { useValue, Value } from "../state/store.js"

const pause = 2500

const said = new Value("")
let waiting: Array<string> = []
let timer: ReturnType<typeof setTimeout> | undefined
let lastAt = 0

const say = (): void => {
  timer = undefined
  lastAt = Date.now()
  said.set(waiting.slice(-3).join(". "))
  waiting = []
}

export const announce = (text: string): void => {
  waiting.push(text)
  timer ??= setTimeout(say, Math.max(100, lastAt + pause - Date.now()))
}

export const Announcer = () => <div class="visually-hidden" role="status" aria-live="polite">{useValue(said)}</div>
