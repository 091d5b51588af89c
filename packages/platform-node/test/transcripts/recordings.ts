/**
 * Requests of the official SDKs, recorded by others, with the headers that they sent. They are read from beside the
 * repository when they are there, and otherwise from the excerpts among the tests of core.
 */
import { existsSync, readFileSync } from "node:fs"

export type Json = Readonly<Record<string, unknown>>

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** Parsed; `null` when empty. */
  readonly body: Json | null
}

export interface Exchange {
  /** `<folder>/<group>/<callId>#<step>` */
  readonly id: string
  readonly folder: Folder
  readonly group: string
  readonly callId: string
  readonly operation: string
  readonly request: RecordedRequest
  readonly response: { readonly status: number | null; readonly body?: unknown }
}

export const folders = ["typescript", "python", "python-v0.2.2"] as const

export type Folder = (typeof folders)[number]

export const groups = ["session", "list", "labels", "code", "command", "filesystem", "tools", "errors"]

interface Recording {
  readonly headers?: Readonly<Record<string, string>>
  readonly records: ReadonlyArray<Omit<Exchange, "id" | "folder"> & { readonly step: number }>
}

const beside = new URL("../../../../../shared/protocol/transcripts/", import.meta.url)

const readJson = (url: URL) => JSON.parse(readFileSync(url, "utf8")) as Recording

const excerpt = (folder: Folder): Recording["records"] => {
  const { headers, records } = readJson(new URL(`../../../core/test/transcripts/${folder}.json`, import.meta.url))
  return records.map((record) =>
    record.request === undefined ? record : { ...record, request: { ...record.request, headers: headers ?? {} } }
  )
}

const original = (folder: Folder): Recording["records"] => {
  const directory = folder === "typescript" ? beside : new URL(`${folder}/`, beside)
  return groups.map((group) => ({ group, file: new URL(`${group}.json`, directory) }))
    .filter(({ file }) => existsSync(file))
    .flatMap(({ file, group }) => readJson(file).records.map((record) => ({ ...record, group })))
}

const contexts = new Set(["GetContextInfo", "SyncContext", "ListContexts"])

/** The recording abbreviates large contents. */
const unabbreviated = <A>(exchange: A): A =>
  JSON.parse(
    JSON.stringify(exchange).replace(
      /<(\d+) characters(?: of (\w))?>/g,
      (_, count: string, character = "x") => character.repeat(Number(count))
    )
  )

/** All requests but those for persistent contexts, which the local runtime does not have. */
export const exchangesOf = (folder: Folder): ReadonlyArray<Exchange> =>
  (existsSync(beside) ? original : excerpt)(folder)
    .filter(({ operation, request }) => Boolean(request) && !contexts.has(operation))
    .map((record) => ({
      ...unabbreviated(record),
      folder,
      id: `${folder}/${record.group}/${record.callId}#${record.step}`
    }))
