/**
 * Marks that a process cannot shed, unlike its environment, its session and its parent. The mark of a call is the hard limit
 * on file locks of what it starts: Linux inherits that limit, lets nobody without rights raise it, and otherwise ignores it.
 * Each call has a lower one than the calls before. So a process can pass for one of a later call or of none, but not for
 * one that an earlier call has left on purpose.
 */

export interface Marks {
  /** All marks of the session are below this. */
  readonly first: number
  /** What is below the marks of the session, from here on, has tried to get rid of its own. */
  readonly floor: number
}

export const marksPerSession = 2 ** 20

/** Of a session, by a number of 30 bits. */
export const firstMark = (number: number): number => marksPerSession * (2 + number % 2 ** 30)

export const anyFirstMark = (): number => firstMark(Math.floor(Math.random() * 2 ** 30))

/** In a PID namespace, or where none but the processes of the session can be signalled, whoever has any mark is meant. */
export const marksOfAll = (first: number): Marks => ({ first, floor: 0 })

/** Beside other processes of the same user. */
export const marksAmongOthers = (first: number): Marks => ({ first, floor: first - marksPerSession })

/** The hard limit of that name in the text of `/proc/<pid>/limits`; infinite where there is none. */
const hardLimit = (text: string, name: string): number => {
  const at = text.indexOf(`\n${name} `)
  return at === -1 ? Infinity : Number(/^\s*\S+\s+(\d+)/.exec(text.slice(at + name.length + 1))?.[1] ?? Infinity)
}

/** The mark of a call, from the text of `/proc/<pid>/limits`; infinite where there is none. */
export const callMark = (limits: string): number => hardLimit(limits, "Max file locks")

/** The mark of a whole session, where its system call filter keeps it from changing: the limit on realtime work. */
export const sessionMark = (limits: string): number => hardLimit(limits, "Max realtime timeout")
