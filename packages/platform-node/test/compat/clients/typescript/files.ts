/** Files, read and written in pieces, watched, and carried through presigned addresses. */
import { readFile, writeFile } from "node:fs/promises"
import type { Session, SyncItem } from "./agb.js"
import { failure, type Json, type Result, sleep } from "./api.js"

const piece = 51_200

export interface Change {
  readonly eventType: string
  readonly path: string
  readonly pathType: string
}

/** Known keys alone, and of each line what stands between the first and the second colon. */
const readInfo = (text: string) => {
  const fields = new Map(text.split("\n").map((line) => line.split(":").map((part) => part.trim()) as [string, string]))
  return {
    name: fields.get("name") ?? "",
    path: fields.get("path") ?? "",
    size: Number(fields.get("size") ?? 0),
    isDirectory: fields.get("isDirectory") === "true",
    modTime: fields.get("modTime") ?? ""
  }
}

const readEntries = (text: string) =>
  text.split("\n").map((line) => line.trim()).filter((line) => /^\[(DIR|FILE)\]/.test(line)).map((line) => ({
    type: line.startsWith("[DIR]") ? "directory" : "file",
    name: line.replace(/^\[(DIR|FILE)\]/, "").trim()
  }))

const readMatches = (text: string): ReadonlyArray<string> =>
  text.trim() === "" || text.trim() === "No matches found" ? [] : text.trim().split("\n")

const readBlocks = (text: string): ReadonlyMap<string, string> => {
  const files = new Map<string, Array<string>>()
  let open: Array<string> | undefined
  for (const line of text.split("\n")) {
    if (line.trim() === "---") open = undefined
    else if (open !== undefined) open.push(line)
    else if (line.includes(":")) {
      const [path = "", ...rest] = line.split(":")
      open = [rest.join(":").trim()].filter((first) => first !== "")
      files.set(path, open)
    }
  }
  return new Map([...files].map(([path, lines]) => [path, lines.join("\n").trim()]))
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/

const decode = (text: string): Buffer => {
  if (!base64.test(text) || text.length % 4 !== 0) throw new Error("not base64")
  return Buffer.from(text, "base64")
}

const done = /^(success|successful|ok|finished|done|completed|complete)$/i

export class FileSystem {
  private transfer: { readonly contextId: string; readonly contextPath: string } | undefined

  private readonly session: Session

  constructor(session: Session) {
    this.session = session
  }

  call = (name: string, args: Json): Promise<Result<string>> => this.session.callMcpTool(name, args)

  private async parsed<A>(name: string, args: Json, parse: (text: string) => A): Promise<Result<A>> {
    const result = await this.call(name, args)
    return { ...result, data: result.success ? parse(result.data ?? "") : undefined }
  }

  mkdir = (path: string) => this.call("create_directory", { path })
  remove = (path: string) => this.call("delete_file", { path })
  move = (source: string, destination: string) => this.call("move_file", { source, destination })
  edit = (path: string, edits: ReadonlyArray<Json>, dryRun = false) => this.call("edit_file", { path, edits, dryRun })
  info = (path: string) => this.parsed("get_file_info", { path }, readInfo)
  list = (path: string) => this.parsed("list_directory", { path }, readEntries)
  readBatch = (paths: ReadonlyArray<string>) => this.parsed("read_multiple_files", { paths }, readBlocks)
  changes = (path: string) => this.parsed("get_file_change", { path }, (text) => JSON.parse(text) as Array<Change>)

  search = (path: string, pattern: string, excludePatterns: ReadonlyArray<string> = []) =>
    this.parsed(
      "search_files",
      { path, pattern, ...(excludePatterns.length === 0 ? {} : { excludePatterns }) },
      readMatches
    )

  private async pieces<A>(path: string, format: Json, read: (text: string) => A): Promise<Result<ReadonlyArray<A>>> {
    const info = await this.info(path)
    if (!info.success) return failure(info.errorMessage, info.requestId)
    const { isDirectory = true, size = 0 } = info.data ?? {}
    if (isDirectory) return failure(`Path does not exist or is a directory: ${path}`)
    const found: Array<A> = []
    for (let offset = 0; offset < size; offset += piece) {
      const length = Math.min(piece, size - offset)
      const result = await this.call("read_file", { path, offset, length, ...format })
      if (!result.success) return failure(result.errorMessage, result.requestId)
      found.push(read(result.data ?? ""))
    }
    return { ...info, data: found }
  }

  async read(path: string): Promise<Result<string>> {
    const result = await this.pieces(path, {}, (text) => text)
    return { ...result, data: result.data?.join("") }
  }

  async readBytes(path: string): Promise<Result<Buffer>> {
    const result = await this.pieces(path, { format: "binary" }, decode)
    return { ...result, data: result.data && Buffer.concat(result.data) }
  }

  async write(path: string, content: string, mode = "overwrite"): Promise<Result<string>> {
    if (!["overwrite", "append", "create_new"].includes(mode)) return failure(`Invalid write mode: ${mode}`)
    let result = await this.call("write_file", { path, content: content.slice(0, piece), mode })
    for (let start = piece; result.success && start < content.length; start += piece) {
      result = await this.call("write_file", { path, content: content.slice(start, start + piece), mode: "append" })
    }
    return result
  }

  /** Told of every successful poll, of the first and of those with nothing new as well. */
  watch(path: string, onPoll: (changes: ReadonlyArray<Change>) => void, intervalMs = 1000): () => void {
    let stopped = false
    const poll = async () => {
      while (!stopped) {
        const { data, errorMessage, success } = await this.changes(path)
        if (success && data !== undefined) onPoll(data)
        if (!success && /session/i.test(errorMessage) && /expired|invalid/i.test(errorMessage)) return
        await sleep(intervalMs)
      }
    }
    void poll()
    return () => {
      stopped = true
    }
  }

  private async transferContext() {
    const { agb, sessionId } = this.session
    const query = { sessionId, contextTypes: JSON.stringify(["file_transfer"]) }
    const path = "/sdk/GetAndLoadInternalContext"
    const found = this.transfer ??
      (await agb.api.sdk<ReadonlyArray<{ contextId: string; contextPath: string }>>(path, query)).data?.[0]
    if (found === undefined) throw new Error("no context for the transfer of files")
    this.transfer = found
    return found
  }

  transferPath = async () => (await this.transferContext()).contextPath

  /** Afterwards the file is deleted from the context. */
  async upload(localPath: string, remotePath: string) {
    const { contextId } = await this.transferContext()
    const { context } = this.session.agb
    const address = await context.uploadUrl(contextId, remotePath)
    const response = await fetch(address.data?.url ?? "", { method: "PUT", body: await readFile(localPath) })
    const synced = await this.synchronise(contextId, remotePath, "download")
    await context.deleteFile(contextId, remotePath)
    return { success: response.ok && synced, etag: response.headers.get("etag") }
  }

  async download(remotePath: string, localPath: string) {
    const { contextId } = await this.transferContext()
    const { context } = this.session.agb
    if (!await this.synchronise(contextId, remotePath, "upload")) return { success: false, bytesReceived: 0 }
    const address = await context.downloadUrl(contextId, remotePath)
    if (!address.success) return { success: false, bytesReceived: 0 }
    const response = await fetch(address.data?.url ?? "")
    const bytes = Buffer.from(await response.arrayBuffer())
    await writeFile(localPath, bytes)
    await context.deleteFile(contextId, remotePath)
    return { success: response.status === 200, bytesReceived: bytes.length }
  }

  private async synchronise(contextId: string, remotePath: string, taskType: string): Promise<boolean> {
    const path = remotePath.slice(0, remotePath.lastIndexOf("/"))
    if (!(await this.session.sync(contextId, path, taskType)).success) return false
    const isMine = (item: SyncItem) => item.contextId === contextId && item.path === path && item.taskType === taskType
    for (let turn = 0; turn < 20; turn += 1) {
      const mine = (await this.session.contextStatus({ contextId, path, taskType })).filter(isMine)
      if (mine.some(({ status }) => done.test(status))) return true
      if (mine.some(({ errorMessage }) => errorMessage !== "")) return false
      await sleep(1500)
    }
    return false
  }
}
