/// <reference types="node" />
/**
 * Exchanges of the official SDKs, recorded by others. They are read from beside the repository when they are there, and
 * otherwise from the excerpts in this directory, which `scripts/transcripts.mjs` writes.
 */
import { existsSync, readFileSync } from "node:fs"

export type Json = Readonly<Record<string, unknown>>

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Parsed; `null` when empty. */
  readonly body: unknown
}

export interface RecordedResponse {
  /** `null` for a connection that was reset. */
  readonly status: number | null
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly delayMs?: number
}

export interface RecordedExchange {
  readonly group: string
  readonly operation: string
  readonly callId: string
  readonly call: string
  readonly step: number
  readonly request?: RecordedRequest
  readonly response?: RecordedResponse
  readonly clientSaw?: unknown
}

/** One call of an official SDK, with all that it sent. */
export interface RecordedCall {
  /** `<folder>/<group>/<callId>` */
  readonly id: string
  readonly folder: Folder
  readonly group: string
  readonly callId: string
  readonly description: string
  readonly exchanges: ReadonlyArray<RecordedExchange>
  /** What the official SDK handed to its caller. */
  readonly saw: unknown
}

export const folders = ["typescript", "python", "python-v0.2.2"] as const

export type Folder = (typeof folders)[number]

/** The groups that this client has a part in; the excerpts hold the others too, for the server. */
const groups = ["session", "list", "labels", "code", "command", "filesystem", "tools", "errors"]

const beside = new URL("../../../../../../shared/protocol/transcripts/", import.meta.url)

export const areBeside = existsSync(beside)

const readJson = (url: URL) => JSON.parse(readFileSync(url, "utf8")) as { readonly records: Array<RecordedExchange> }

export const readExcerpt = (folder: Folder): ReadonlyArray<RecordedExchange> =>
  readJson(new URL(`${folder}.json`, import.meta.url)).records.filter(({ group }) => groups.includes(group))

export const readOriginal = (folder: Folder): ReadonlyArray<RecordedExchange> => {
  const directory = folder === "typescript" ? beside : new URL(`${folder}/`, beside)
  return groups.map((group) => ({ group, file: new URL(`${group}.json`, directory) }))
    .filter(({ file }) => existsSync(file))
    .flatMap(({ file, group }) => readJson(file).records.map((record) => ({ ...record, group })))
}

/** The recording abbreviates large contents. */
const unabbreviated = (exchange: RecordedExchange): RecordedExchange =>
  JSON.parse(
    JSON.stringify(exchange).replace(
      /<(\d+) characters(?: of (\w))?>/g,
      (_, count: string, character = "x") => character.repeat(Number(count))
    )
  )

const read = new Map(
  folders.map((folder) => [folder, (areBeside ? readOriginal : readExcerpt)(folder).map(unabbreviated)])
)

export const exchangesOf = (folder: Folder): ReadonlyArray<RecordedExchange> => read.get(folder) ?? []

export const callsOf = (folder: Folder): ReadonlyArray<RecordedCall> => {
  const calls = new Map<string, Array<RecordedExchange>>()
  for (const exchange of exchangesOf(folder)) {
    const id = `${folder}/${exchange.group}/${exchange.callId}`
    calls.set(id, [...calls.get(id) ?? [], exchange])
  }
  return [...calls].map(([id, exchanges]) => {
    const { call, callId, group } = exchanges[0] as RecordedExchange
    return { id, folder, group, callId, description: call, exchanges, saw: exchanges.at(-1)?.clientSaw }
  })
}

const operations = new Set([
  "createSession",
  "releaseSession",
  "releaseSessionAsync",
  "getSession",
  "getSessionInfo",
  "getMcpResource",
  "refreshSessionIdleTime",
  "listTools",
  "getLink",
  "ListSession",
  "SetLabel",
  "GetLabel"
])

/** Whether this SDK takes part in such an exchange. */
export const isOurs = ({ operation }: RecordedExchange): boolean =>
  operations.has(operation) || operation.startsWith("mcp:")

const without = <A extends object>(record: A, ...names: ReadonlyArray<string>): A =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name))) as A

/** What an excerpt keeps of an exchange. */
export const excerptOf = (exchange: RecordedExchange): RecordedExchange =>
  without(
    exchange.request ? { ...exchange, request: without(exchange.request, "headers") } : exchange,
    ...["elapsedMs", "volatile", "note"],
    ...(exchange.request ? [] : ["request", "response"])
  )

/** What the official SDK refused by itself: nothing was sent. */
export const isLocal = ({ operation }: RecordedExchange): boolean => operation.startsWith("(none")

/** Operations on persistent contexts, which came after the SDK that this one follows. */
export const contexts: ReadonlyArray<string> = ["GetContextInfo", "ListContexts", "SyncContext"]
