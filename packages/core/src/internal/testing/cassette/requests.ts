/** Requests in the form in which they are recorded and compared: without what is different in every run. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { Exchange } from "../../client/transport/exchange.js"
import { parseJson } from "../../wire/codecs.js"
import { pointsOf } from "../points.js"
import { mapStrings, withoutOwnLabels } from "./aliases.js"

type Json = Readonly<Record<string, unknown>>

/** A request, and the random ids in it, of which the recorded form has the place. */
export interface Normal {
  readonly point: string
  readonly request: unknown
  readonly ids: ReadonlyArray<string>
}

/** Fields that say nothing about what is asked for: the version of the SDK, ids of attempts, the token. */
const leftOut = new Set(["sdkStats", "requestId", "token"])

/** Fields that are JSON in a text. */
const nested = new Set(["args", "labels", "Labels", "data"])

const readable = (fields: Json): Json =>
  Object.fromEntries(
    Object.entries(fields).filter(([key]) => !leftOut.has(key)).map(([key, value]) => [
      key,
      nested.has(key) && typeof value === "string" ? Either.getOrElse(parseJson(value), () => value) : value
    ])
  )

/** Ids that the SDK makes up: of processes, temporary files, runs. */
const randomId = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b/g

const placeholder = (index: number): string => `<id ${index + 1}>`

const withOwnLabels = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withOwnLabels)
  if (!Predicate.isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value as Json).map((
      [key, item]
    ) => [key, key.startsWith("effect-agb-") ? "own" : withOwnLabels(item)])
  )
}

/** Puts the place of ids in for them. */
export const withoutIds = (value: unknown, ids: ReadonlyArray<string>): unknown =>
  mapStrings(value, (text) => ids.reduce((done, id, index) => done.replaceAll(id, placeholder(index)), text))

/** Puts ids in for their places. */
export const withIds = (value: unknown, ids: ReadonlyArray<string>): unknown =>
  mapStrings(value, (text) => ids.reduce((done, id, index) => done.replaceAll(placeholder(index), id), text))

const normalOf = (point: string, request: unknown): Normal => {
  const plain = mapStrings(withOwnLabels(request), withoutOwnLabels)
  const ids = [...new Set(JSON.stringify(plain).match(randomId) ?? [])]
  return { point, request: withoutIds(plain, ids), ids }
}

/** A call over the API or the link of a session. */
export const ofCall = ({ body = "", method, url }: Pick<Exchange<never>, "body" | "method" | "url">): Normal => {
  const { pathname, searchParams } = new URL(url)
  const [point = pathname] = pointsOf({ body, method, url })
  const json = Either.getOrElse(parseJson(body), () => ({}))
  const fields = { ...Object.fromEntries(searchParams), ...(Predicate.isRecord(json) ? json : {}) }
  const link = pathname.endsWith("/callTool") ? { link: url.slice(0, -"/callTool".length) } : {}
  return normalOf(point, { ...readable(fields), ...link })
}

/** The start of a run on a WebSocket. */
export const ofRun = (params: unknown): Normal => normalOf("run", params)

/** A transfer: its ids stand in the URL. */
export const ofTransfer = (method: string, url: string, body: unknown): Normal =>
  normalOf("transfer", { method, url, ...(body === undefined ? {} : { body }) })

/** The same for values that are equal, whatever the order of their fields. */
export const keyOf = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) =>
    Predicate.isRecord(item)
      ? Object.fromEntries(Object.entries(item).sort(([one], [other]) => one < other ? -1 : 1))
      : item)
