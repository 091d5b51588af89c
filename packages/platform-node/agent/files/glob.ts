/**
 * File name patterns: `*`, `?`, `[a-z]`, `[!a-z]`, `**`, `{a,b}`, and `\` to escape a character. A pattern is compiled to a
 * nondeterministic finite automaton and simulated without backtracking, in time proportional to pattern length times path
 * length.
 */
import { Failure } from "../wire/failure.js"

const maxPatternLength = 1024
const maxSteps = 2 ** 32 - 2

type Accepts = (character: string) => boolean

/** A state consumes one character and continues with the next state, or has epsilon transitions to other states. */
type State = { readonly accepts: Accepts } | { readonly to: Array<number> }

const notSlash: Accepts = (character) => character !== "/"
const slash: Accepts = (character) => character === "/"
const anything: Accepts = () => true

export const compileGlob = (pattern: string): (path: string) => boolean => {
  if (pattern.length > maxPatternLength) {
    throw new Failure("EINVAL", `Invalid argument: a pattern has at most ${maxPatternLength} characters`)
  }
  return makeMatcher(parse(Array.from(pattern)))
}

const makeMatcher = (states: ReadonlyArray<State>): (path: string) => boolean => {
  /** The step in which each state was last entered, so that none is entered twice in one step. */
  const reachedIn = new Uint32Array(states.length + 1)
  let step = 0
  let now: Array<number> = []
  let next: Array<number> = []

  /** Enters a state and its epsilon closure. */
  const enter = (reached: Array<number>, index: number) => {
    if (reachedIn[index] === step) return
    reachedIn[index] = step
    const from = reached.push(index) - 1
    for (let at = from; at < reached.length; at++) {
      const state = states[reached[at] as number]
      if (state === undefined || !("to" in state)) continue
      for (const target of state.to) {
        if (reachedIn[target] === step) continue
        reachedIn[target] = step
        reached.push(target)
      }
    }
  }

  const startStep = () => {
    if (++step <= maxSteps) return
    reachedIn.fill(0)
    step = 1
  }

  return (path) => {
    startStep()
    now.length = 0
    enter(now, 0)
    for (const character of path) {
      startStep()
      next.length = 0
      for (const index of now) {
        const state = states[index]
        if (state !== undefined && "accepts" in state && state.accepts(character)) enter(next, index + 1)
      }
      if (next.length === 0) return false
      const used = now
      now = next
      next = used
    }
    return reachedIn[states.length] === step
  }
}

const parse = (pattern: ReadonlyArray<string>): ReadonlyArray<State> => {
  const { alternative, close, many, one, open, optionalFolders, states } = makeBuilder()

  const token = (at: number) => {
    const character = pattern[at] as string
    const next = pattern[at + 1]
    if (character === "*" && next === "*") {
      const folders = pattern[at + 2] === "/" && [undefined, "/", "{", ","].includes(pattern[at - 1])
      return folders ? (optionalFolders(), 3) : (many(anything), 2)
    }
    if (character === "*") return many(notSlash)
    if (character === "?") return one(notSlash)
    if (character === "{" && closes(pattern, at)) return open()
    if (character === ",") return alternative()
    if (character === "}") return close()
    const set = character === "[" ? setAt(pattern, at) : undefined
    if (set !== undefined) return (one(set.accepts), set.length)
    if (character !== "\\" || next === undefined) return one((other) => other === character)
    return (one((other) => other === next), 2)
  }

  for (let at = 0; at < pattern.length;) at += token(at)
  return states
}

/** Adds states; methods return the length of their token, 1. */
const makeBuilder = () => {
  const states: Array<State> = []
  const groups: Array<{ readonly fork: Array<number>; readonly exits: Array<Array<number>> }> = []

  const one = (accepts: Accepts) => (states.push({ accepts }), 1)

  const many = (accepts: Accepts) => {
    const at = states.length
    states.push({ to: [at + 1, at + 3] }, { accepts }, { to: [at] })
    return 1
  }
  const optionalFolders = () => {
    const at = states.length
    states.push({ to: [at + 1, at + 5] })
    many(anything)
    one(slash)
  }
  const open = () => {
    const fork = [states.length + 1]
    states.push({ to: fork })
    groups.push({ fork, exits: [] })
    return 1
  }
  const leave = (group: (typeof groups)[number]) => {
    const exit: Array<number> = []
    states.push({ to: exit })
    group.exits.push(exit)
  }
  const alternative = () => {
    const group = groups.at(-1)
    if (group === undefined) return one((character) => character === ",")
    leave(group)
    group.fork.push(states.length)
    return 1
  }
  const close = () => {
    const group = groups.pop()
    if (group === undefined) return one((character) => character === "}")
    leave(group)
    for (const exit of group.exits) exit.push(states.length)
    return 1
  }
  return { states, one, many, optionalFolders, open, alternative, close }
}

/** Whether the brace at `from` is closed; an unclosed one is literal. */
const closes = (pattern: ReadonlyArray<string>, from: number) => {
  let depth = 0
  for (let at = from; at < pattern.length; at++) {
    if (pattern[at] === "\\") at++
    else if (pattern[at] === "[") at += (setAt(pattern, at)?.length ?? 1) - 1
    else if (pattern[at] === "{") depth++
    else if (pattern[at] === "}" && --depth === 0) return true
  }
  return false
}

/** The character set at `from`; undefined if the bracket is not closed and so is literal. */
const setAt = (
  pattern: ReadonlyArray<string>,
  from: number
): { readonly accepts: Accepts; readonly length: number } | undefined => {
  const negated = pattern[from + 1] === "!" || pattern[from + 1] === "^"
  const first = from + (negated ? 2 : 1)
  const end = pattern.indexOf("]", first + 1)
  if (end < 0) return undefined
  const ranges: Array<readonly [low: string, high: string]> = []
  for (let at = first; at < end;) {
    const low = pattern[at] ?? ""
    const ranged = pattern[at + 1] === "-" && at + 2 < end
    ranges.push([low, ranged ? pattern[at + 2] ?? low : low])
    at += ranged ? 3 : 1
  }
  const accepts: Accepts = (character) =>
    character !== "/" && ranges.some(([low, high]) => low <= character && character <= high) !== negated
  return { accepts, length: end - from + 1 }
}
