/** Whether a reply tells a client all that the recorded one told it: the same fields, with values of the same kind. */
import type { Reply } from "./check.js"
import type { Exchange } from "./recordings.js"

interface Omission {
  readonly why: string
  readonly field: RegExp
}

/** What the recorded server said and ours does not. */
export const omissions: ReadonlyArray<Omission> = [
  { why: "optional, and there is nothing to trace", field: /\.traceId$/ },
  { why: "there is no desktop", field: /^data\.desktopInfo$/ },
  { why: "the total is in count, where the clients read it", field: /^totalCount$/ },
  { why: "asked for by its id, so known", field: /^data\.sessionId$/ }
]

const parsed = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" ? value : text
  } catch {
    return text
  }
}

const read = (value: unknown): unknown => typeof value === "string" ? parsed(value) : value

const kindOf = (value: unknown): string => Array.isArray(value) ? "list" : value === null ? "nothing" : typeof value

const lacking = (path: string, recorded: unknown, ours: unknown): ReadonlyArray<string> => {
  const [theirs, own] = [read(recorded), read(ours)]
  if (theirs === null || theirs === undefined || theirs === "") return []
  // JSON text and the value that it means are two things to a client.
  if (kindOf(recorded) !== kindOf(ours) || kindOf(theirs) !== kindOf(own)) return [path]
  if (Array.isArray(theirs)) {
    const first = (own as ReadonlyArray<unknown>)[0]
    return theirs.length === 0 || first === undefined ? [] : lacking(`${path}[]`, theirs[0], first)
  }
  if (typeof theirs !== "object") return []
  return Object.entries(theirs).flatMap(([name, value]) =>
    lacking(path === "" ? name : `${path}.${name}`, value, (own as Record<string, unknown>)[name])
  )
}

/** The fields of the recorded reply that are missing in ours or of another kind. */
export const lackingIn = ({ response }: Exchange, { body, text }: Reply): ReadonlyArray<string> =>
  lacking("", response.body, typeof response.body === "string" ? text : body)

export const omissionOf = (field: string): Omission | undefined =>
  omissions.find((omission) => omission.field.test(field))
