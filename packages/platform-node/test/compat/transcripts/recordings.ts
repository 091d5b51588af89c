/**
 * What the official SDKs sent, recorded by others, with the headers that they sent. It is read from beside the repository
 * when it is there, and otherwise from the excerpts among the tests of core.
 */
import { existsSync, readFileSync } from "node:fs"

export type Json = Readonly<Record<string, unknown>>

export type Texts = Readonly<Record<string, string>>

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly query: Texts
  readonly headers: Texts
  /** Parsed; text when it is no JSON; `null` when empty. */
  readonly body: Json | string | null
}

interface Recorded {
  /** `<folder>/<group>/<callId>#<step>` */
  readonly id: string
  readonly folder: Folder
  readonly group: string
  readonly callId: string
  readonly operation: string
  /** What the SDK handed to its caller, at the last step of a call. */
  readonly clientSaw?: unknown
}

export interface Exchange extends Recorded {
  readonly request: RecordedRequest
  readonly response: { readonly status: number | null; readonly body?: unknown }
}

export type Frame =
  | { readonly kind: "handshake"; readonly headers: Texts; readonly result: number }
  | { readonly kind: "frame"; readonly dir: "client->server" | "server->client"; readonly frame: unknown }
  | { readonly kind: "close"; readonly code: number }
  | { readonly kind: "control" }

/** A call that went over a WebSocket. */
export interface Conversation extends Recorded {
  readonly frames: ReadonlyArray<Frame>
}

export const folders = ["typescript", "python", "python-v0.2.2"] as const

export type Folder = (typeof folders)[number]

const groups = [
  ...["session", "list", "labels", "code", "command", "filesystem", "tools", "errors"],
  ...["linkurl", "websocket", "context", "browser", "computer"]
]

type RecordedAny = Omit<Exchange & Conversation, "id" | "folder"> & { readonly step: number }

interface Recording {
  readonly headers?: Readonly<Record<string, Texts>>
  readonly records: ReadonlyArray<RecordedAny>
}

const beside = new URL("../../../../../../shared/protocol/transcripts/", import.meta.url)

const readJson = (url: URL) => JSON.parse(readFileSync(url, "utf8")) as Recording

const routes: ReadonlyArray<readonly [RegExp, string]> = [[/^linkUrl:/, "link"], [/^presigned:/, "presigned"]]

const routeOf = (operation: string): string => routes.find(([pattern]) => pattern.test(operation))?.[1] ?? "api"

const excerpt = (folder: Folder): ReadonlyArray<RecordedAny> => {
  const { headers, records } = readJson(
    new URL(`../../../../core/test/client/transcripts/${folder}.json`, import.meta.url)
  )
  return records.map((record) =>
    record.request
      ? { ...record, request: { ...record.request, headers: headers?.[routeOf(record.operation)] ?? {} } }
      : record
  )
}

const original = (folder: Folder): ReadonlyArray<RecordedAny> => {
  const directory = folder === "typescript" ? beside : new URL(`${folder}/`, beside)
  return groups.map((group) => ({ group, file: new URL(`${group}.json`, directory) }))
    .filter(({ file }) => existsSync(file))
    .flatMap(({ file, group }) => readJson(file).records.map((record) => ({ ...record, group })))
}

/** The recording abbreviates large contents. */
const unabbreviated = <A>(exchange: A): A =>
  JSON.parse(
    JSON.stringify(exchange).replace(
      /<(\d+) characters(?: of (\w))?>/g,
      (_, count: string, character = "x") => character.repeat(Number(count))
    )
  )

const read = (folder: Folder): ReadonlyArray<RecordedAny & Recorded> =>
  (existsSync(beside) ? original : excerpt)(folder).map((record) => ({
    ...unabbreviated(record),
    folder,
    id: `${folder}/${record.group}/${record.callId}#${record.step}`
  }))

const recorded = new Map(folders.map((folder) => [folder, read(folder)]))

const all = (folder: Folder) => recorded.get(folder) ?? []

export const exchangesOf = (folder: Folder): ReadonlyArray<Exchange> => all(folder).filter(({ request }) => request)

export const conversationsOf = (folder: Folder): ReadonlyArray<Conversation> =>
  all(folder).filter(({ frames }) => frames)

/** Calls that the SDK refused or answered by itself: nothing was sent. */
export const unsentOf = (folder: Folder): ReadonlyArray<Recorded> =>
  all(folder).filter(({ frames, request }) => !request && !frames)

/** How a client of that folder asks for a session. */
export const birthOf = (folder: Folder): RecordedRequest => {
  const first = exchangesOf(folder).find(({ operation }) => operation === "createSession")
  if (first === undefined) throw new Error(`${folder} creates no session`)
  return first.request
}
