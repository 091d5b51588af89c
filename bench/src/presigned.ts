// File transfer as the official clients do it: presigned URLs to the storage of a context, and a sync between that storage
// and the sandbox. Bytes are streamed by undici:
// `fetch` with a Blob takes twice as long for itself.
import { createReadStream, createWriteStream } from "node:fs"
import { stat } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { setTimeout } from "node:timers/promises"
import { request } from "undici"
import { succeeded, type Wire } from "./wire.js"

export interface Exchange {
  readonly sessionId: string
  readonly contextId: string
  /** The folder of the sandbox that the context's files appear in. */
  readonly folder: string
}

interface Item {
  readonly taskType: string
  readonly status: string
  readonly errorMessage?: string
}

const query = (fields: Readonly<Record<string, string>>): string => `?${new URLSearchParams(fields).toString()}`

/** The file transfer context of a session, or why there is none. */
export const openExchange = async (wire: Wire, sessionId: string): Promise<Exchange | string> => {
  const contextTypes = JSON.stringify(["file_transfer"])
  const reply = await wire.post(`/sdk/GetAndLoadInternalContext${query({ sessionId, contextTypes })}`)
  if (reply.status !== 200 || reply.body.success !== true) return `the runtime answers ${reply.body.code}`
  const [first] = reply.body.data as ReadonlyArray<{ contextId: string; contextPath: string }>
  return first === undefined
    ? "the runtime has no file transfer context"
    : { sessionId, contextId: first.contextId, folder: first.contextPath }
}

const fileUrl = async (wire: Wire, endpoint: string, { contextId }: Exchange, filePath: string): Promise<string> => {
  const data = succeeded(await wire.post(`/sdk/${endpoint}${query({ contextId, filePath })}`))
  return (data as { url: string }).url
}

const itemsOf = (data: unknown): ReadonlyArray<Item> => {
  const { contextStatus } = data as { contextStatus: string }
  const records = JSON.parse(contextStatus === "" ? "[]" : contextStatus) as ReadonlyArray<
    { readonly type: string; readonly data: string }
  >
  return records.filter(({ type }) => type === "data").flatMap(({ data }) => JSON.parse(data) as ReadonlyArray<Item>)
}

/** Polls more often than the official clients, whose 1.5 s would be all that is measured. */
const pollMillis = 5

const synced = (mode: "upload" | "download") => async (wire: Wire, exchange: Exchange): Promise<void> => {
  const where = { sessionId: exchange.sessionId, contextId: exchange.contextId, path: exchange.folder }
  succeeded(await wire.post(`/sdk/SyncContext${query({ ...where, mode })}`))
  for (;;) {
    const data = succeeded(await wire.get(`/sdk/GetContextInfo${query({ ...where, taskType: mode })}`))
    const items = itemsOf(data).filter(({ taskType }) => taskType === mode)
    const failed = items.find(({ status }) => status === "Failed")
    if (failed !== undefined) throw new Error(`sync failed: ${failed.errorMessage}`)
    if (items.length > 0 && items.every(({ status }) => status === "Success")) return
    await setTimeout(pollMillis)
  }
}

export const upload = {
  put: async (wire: Wire, exchange: Exchange, path: string, source: string): Promise<void> => {
    const url = await fileUrl(wire, "GetContextFileUploadUrl", exchange, path)
    const { size } = await stat(source)
    const body = createReadStream(source, { highWaterMark: 2 ** 20 })
    const reply = await request(url, { method: "PUT", body, headers: { "content-length": String(size) } })
    await reply.body.dump()
    if (reply.statusCode >= 300) throw new Error(`upload answered ${reply.statusCode}`)
  },
  /** Storage to sandbox: the wire's name for it is from the sandbox's side. */
  sync: synced("download")
}

export const download = {
  get: async (wire: Wire, exchange: Exchange, path: string, target: string): Promise<void> => {
    const url = await fileUrl(wire, "GetContextFileDownloadUrl", exchange, path)
    const reply = await request(url)
    if (reply.statusCode !== 200) throw new Error(`download answered ${reply.statusCode}`)
    await pipeline(reply.body, createWriteStream(target))
  },
  sync: synced("upload")
}
