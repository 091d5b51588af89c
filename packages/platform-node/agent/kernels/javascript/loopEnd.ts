/**
 * Where Node has nothing left to do and would end a program. No list tells of the work of its threads, as of `node:crypto` and
 * `node:zlib`, and nothing settles a promise once that is done.
 */
import { countKinds, type Kinds, leaveOut } from "./resources.js"

interface Handle {
  ref(): unknown
  unref(): unknown
}

/** What keeps the kernel alive, but while it is released. */
const handles: Array<Handle> = []

/** What the list has of them. */
let own: Kinds = new Map()

interface End {
  readonly ended: () => void
  readonly later: (body: () => void) => void
}

/** What is to be called at the end of the loop, and is from when it was found on. */
let released: End | undefined

/**
 * Until the loop is kept again, it ends where the code has left nothing to do, and `ended` is called once: `later`, since Node
 * would end with code that calls `process.exit` while it is told of the end.
 */
export const releaseLoop = (ended: () => void, later: (body: () => void) => void) => {
  released = { ended, later }
  for (const handle of handles) handle.unref()
  leaveOut(new Map())
}

const hold = () => {
  for (const handle of handles) handle.ref()
  leaveOut(own)
}

export const keepLoop = () => {
  released = undefined
  hold()
}

/** What keeps the loop alive is waited for no longer, nor by later runs. */
let isGivenUp = false

export const giveUp = () => {
  isGivenUp = true
}

/** Whether nothing is listed that keeps the loop alive, be it of an earlier run: then its end tells what is not listed. */
export const mayEnd = () => released !== undefined && !isGivenUp && countKinds().size === 0

const found = (end: End) => {
  isGivenUp = false
  hold()
  end.later(() => {
    if (released !== end) return
    released = undefined
    end.ended()
  })
}

/** Takes the event of Node itself for the end of the loop; the program's listeners are told by the kernel. */
export const watchLoop = (...keeping: ReadonlyArray<Handle>) => {
  handles.push(...keeping)
  own = countKinds()
  leaveOut(own)
  const emit = process.emit
  process.emit = ((event: string, ...values: ReadonlyArray<unknown>): boolean => {
    if (event !== "beforeExit" || released === undefined) {
      return Reflect.apply(emit, process, [event, ...values]) as boolean
    }
    found(released)
    return true
  }) as typeof process.emit
}
