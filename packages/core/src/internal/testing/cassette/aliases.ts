/**
 * What is secret or random is replaced by names that are the same in every recording: keys, tokens, URLs, ids of sessions and of
 * requests.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { parseJson } from "../../wire/codecs.js"

export const replayOrigin = "https://replay.agb.test"

/** Fields of replies that nobody but the program may see. */
const secretFields = new Set([
  "token",
  "resourceurl",
  "linkurl",
  "wsurl",
  "url",
  "authcode",
  "connectionproperties",
  "ticket",
  "accessdenieddetail"
])

/** Shorter values are replaced where they stand, and not wherever the same letters do. */
const leastLength = 6

type Json = Readonly<Record<string, unknown>>

/** Replaces the strings of a JSON value. */
export const mapStrings = (value: unknown, change: (text: string) => string): unknown => {
  if (typeof value === "string") return change(value)
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change))
  if (!Predicate.isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapStrings(item, change)]))
}

/** The forms in which a text may stand in another one. */
const formsOf = (text: string): ReadonlyArray<string> => {
  const json = JSON.stringify(text).slice(1, -1)
  return [...new Set([text, encodeURIComponent(text), json, JSON.stringify(json).slice(1, -1)])]
}

/** The SDK's own labels: random, or signed with the key. */
const ownLabels = /(\\*"effect-agb-[\w-]+\\*"\s*:\s*\\*")((?:[^"\\])*)/g

export class Aliases {
  readonly #aliases = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  /** The name of a value; one that is known keeps its name. */
  add(value: string, kind: string): string {
    const known = this.#aliases.get(value)
    if (known !== undefined) return known
    const alias = this.#name(value, kind)
    if (value.length >= leastLength) this.#aliases.set(value, alias)
    return alias
  }

  #name(value: string, kind: string): string {
    const nth = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, nth)
    if (kind !== "secret" || !URL.canParse(value)) return `${kind}-${nth}`
    return `${/^wss?:/.test(value) ? replayOrigin.replace("https", "wss") : replayOrigin}/url-${nth}`
  }

  /** Whether a URL is known, and begins with which alias. */
  urlOf(url: string): string | undefined {
    const found = [...this.#aliases].find(([value]) => url === value || url.startsWith(`${value}/`))
    return found === undefined ? undefined : found[1] + url.slice(found[0].length)
  }

  /** Notes the secrets and the ids in a reply, and replaces those that are fields. A session has an alias if it is `new`. */
  hide(value: unknown, isNew: boolean): unknown {
    if (Array.isArray(value)) return value.map((item) => this.hide(item, isNew))
    if (!Predicate.isRecord(value)) return value
    return Object.fromEntries(
      Object.entries(value as Json).map(([key, item]) => [key, this.#hideField(key, item, isNew)])
    )
  }

  #hideField(key: string, item: unknown, isNew: boolean): unknown {
    const name = key.toLowerCase().replaceAll("_", "")
    if (secretFields.has(name)) {
      return mapStrings(item, (text) => text === "" ? text : this.add(text, "secret"))
    }
    if (typeof item === "string" && name === "sessionid" && isNew) return this.add(item, "session")
    if (typeof item === "string" && name === "requestid") return this.add(item, "request")
    const inner = name === "data" && typeof item === "string" ? Either.getOrUndefined(parseJson(item)) : undefined
    return Predicate.isRecord(inner) ? JSON.stringify(this.hide(inner, isNew)) : this.hide(item, isNew)
  }

  /** Replaces whatever is known, the longest first: one may be a part of another. */
  replaceAll<A>(value: A): A {
    const known = [...this.#aliases].sort(([one], [other]) => other.length - one.length)
    const forms = known.flatMap(([text, alias]) => formsOf(text).map((form) => [form, alias] as const))
    const change = (text: string) => forms.reduce((done, [form, alias]) => done.replaceAll(form, alias), text)
    return mapStrings(value, (text) => change(withoutOwnLabels(text))) as A
  }
}

export const withoutOwnLabels = (text: string): string => text.replace(ownLabels, "$1own")
