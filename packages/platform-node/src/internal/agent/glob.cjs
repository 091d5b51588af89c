// @ts-check
"use strict"

/**
 * File name patterns: `*`, `?`, `[a-z]`, `[!a-z]`, `**`, `{a,b}`, and `\` before a character that means itself. A pattern
 * becomes a small automaton, so that no pattern takes more steps than its own length times that of the path.
 */
const { Failure } = require("./failure.cjs")

const longestPattern = 1024
const mostSteps = 2 ** 32 - 2

/**
 * A state that takes one character and goes to the next, or one that goes on without taking any.
 *
 * @typedef {(character: string) => boolean} Accepts
 * @typedef {{ readonly accepts: Accepts } | { readonly to: Array<number> }} State
 */

/** @type {Accepts} */
const notSlash = (character) => character !== "/"
/** @type {Accepts} */
const slash = (character) => character === "/"
/** @type {Accepts} */
const anything = () => true

/**
 * @param {string} pattern
 * @returns {(path: string) => boolean}
 */
const compileGlob = (pattern) => {
  if (pattern.length > longestPattern) {
    throw new Failure("EINVAL", `Invalid argument: a pattern has at most ${longestPattern} characters`)
  }
  return makeMatcher(parse(Array.from(pattern)))
}

/**
 * @param {ReadonlyArray<State>} states
 * @returns {(path: string) => boolean}
 */
const makeMatcher = (states) => {
  /** In which step each state was last reached, so that none is entered twice in one. */
  const reachedIn = new Uint32Array(states.length + 1)
  let step = 0
  /** @type {Array<number>} */
  let now = []
  /** @type {Array<number>} */
  let next = []

  /**
   * Enters a state and all that follow it without a character.
   *
   * @param {Array<number>} reached
   * @param {number} index
   */
  const enter = (reached, index) => {
    if (reachedIn[index] === step) return
    reachedIn[index] = step
    const from = reached.push(index) - 1
    for (let at = from; at < reached.length; at++) {
      const state = states[/** @type {number} */ (reached[at])]
      if (state === undefined || !("to" in state)) continue
      for (const target of state.to) {
        if (reachedIn[target] === step) continue
        reachedIn[target] = step
        reached.push(target)
      }
    }
  }

  const startStep = () => {
    if (++step <= mostSteps) return
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

/**
 * @param {ReadonlyArray<string>} pattern
 * @returns {ReadonlyArray<State>}
 */
const parse = (pattern) => {
  const { alternative, close, many, one, open, optionalFolders, states } = makeBuilder()

  /** @param {number} at */
  const token = (at) => {
    const character = /** @type {string} */ (pattern[at])
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

/** Adds states; each method returns 1, the number of characters that its token has. */
const makeBuilder = () => {
  /** @type {Array<State>} */
  const states = []
  /** @type {Array<{ readonly fork: Array<number>, readonly exits: Array<Array<number>> }>} */
  const groups = []

  /** @param {Accepts} accepts */
  const one = (accepts) => (states.push({ accepts }), 1)

  /** @param {Accepts} accepts */
  const many = (accepts) => {
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
  /** @param {(typeof groups)[number]} group */
  const leave = (group) => {
    /** @type {Array<number>} */
    const exit = []
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

/**
 * Whether the brace at `from` has its counterpart; one that has not means itself.
 *
 * @param {ReadonlyArray<string>} pattern
 * @param {number} from
 */
const closes = (pattern, from) => {
  let depth = 0
  for (let at = from; at < pattern.length; at++) {
    if (pattern[at] === "\\") at++
    else if (pattern[at] === "[") at += (setAt(pattern, at)?.length ?? 1) - 1
    else if (pattern[at] === "{") depth++
    else if (pattern[at] === "}" && --depth === 0) return true
  }
  return false
}

/**
 * The set of characters at `from`; undefined if the bracket is never closed and so means itself.
 *
 * @param {ReadonlyArray<string>} pattern
 * @param {number} from
 * @returns {{ readonly accepts: Accepts, readonly length: number } | undefined}
 */
const setAt = (pattern, from) => {
  const negated = pattern[from + 1] === "!" || pattern[from + 1] === "^"
  const first = from + (negated ? 2 : 1)
  const end = pattern.indexOf("]", first + 1)
  if (end < 0) return undefined
  /** @type {Array<readonly [low: string, high: string]>} */
  const ranges = []
  for (let at = first; at < end;) {
    const low = pattern[at] ?? ""
    const ranged = pattern[at + 1] === "-" && at + 2 < end
    ranges.push([low, ranged ? pattern[at + 2] ?? low : low])
    at += ranged ? 3 : 1
  }
  /** @type {Accepts} */
  const accepts = (character) =>
    character !== "/" && ranges.some(([low, high]) => low <= character && character <= high) !== negated
  return { accepts, length: end - from + 1 }
}

module.exports = { compileGlob }
