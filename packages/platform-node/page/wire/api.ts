/** Requests to the server of this page. */
import type { Access, Folder, Logs, Process } from "../../src/internal/pageWire/contract.js"

/** Why the server did not do what it was asked, in words that may be shown. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const noAnswer = () => new ApiError(0, "no-answer", "The server does not answer.")

/** The message of an error reply, or what its status says. */
const errorOf = (status: number, body: string): ApiError => {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: string; message?: string } }
    if (typeof error?.message === "string") return new ApiError(status, String(error.code), error.message)
  } catch {
    // Not JSON: a proxy or the not-found text.
  }
  return new ApiError(status, `http-${status}`, status === 404 ? "Not found." : `The server answered ${status}.`)
}

const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const response = await fetch(path, { credentials: "same-origin", ...init }).catch(() => {
    throw init.signal?.aborted ? new ApiError(0, "aborted", "Cancelled.") : noAnswer()
  })
  if (response.ok) return response
  throw errorOf(response.status, await response.text().catch(() => ""))
}

const json = async <A>(path: string, init?: RequestInit): Promise<A> => (await request(path, init)).json() as Promise<A>

const post = <A>(path: string, body: unknown): Promise<A> =>
  json(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body)
  })

const query = (values: Readonly<Record<string, string | number | undefined>>): string => {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined)
  return new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString()
}

export const getJson = <A>(path: string): Promise<A> => json(path)

export const run = (language: string, code: string) => post<{ id: string }>("/api/run", { language, code })

export const command = (text: string) => post<{ id: string }>("/api/command", { command: text })

export const keepAlive = () => post<{ idleSecondsLeft: number | null }>("/api/keep-alive", {})

export const readOnlyAddress = () => post<{ url: string }>("/api/addresses", { access: "read" })

export const addressOf = (sessionId: string, access: Access) =>
  post<{ url: string }>("/api/addresses", { sessionId, access })

export const endSession = () => request("/api/session", { method: "DELETE" })

export const folder = (path: string) => json<Folder>(`/api/files?${query({ path })}`)

export const fileAddress = (path: string, options: { download?: 1; limit?: number } = {}): string =>
  `/api/file?${query({ path, ...options })}`

export interface FileStart {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Of the whole file. */
  readonly size: number
}

export const readFile = async (path: string, limit: number, signal: AbortSignal): Promise<FileStart> => {
  const response = await request(fileAddress(path, { limit }), { signal })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const size = Number(response.headers.get("x-file-size") ?? NaN)
  return { bytes, size: Number.isFinite(size) ? size : bytes.length }
}

export const removeFile = (path: string) => request(fileAddress(path), { method: "DELETE" })

export const processes = async () => (await json<{ processes: ReadonlyArray<Process> }>("/api/processes")).processes

const processPath = (id: string) => `/api/processes/${encodeURIComponent(id)}`

export const logs = (id: string, from: string | number | undefined) =>
  json<Logs>(`${processPath(id)}/logs?${query({ from })}`)

export const kill = (id: string, signal: "SIGTERM" | "SIGKILL") =>
  request(`${processPath(id)}/kill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ signal })
  })

/** `fetch` does not tell how much has been sent, so this is the older API. */
export const upload = (path: string, file: Blob, onProgress: (share: number) => void, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const sending = new XMLHttpRequest()
    const cancel = () => sending.abort()
    sending.open("PUT", fileAddress(path))
    sending.setRequestHeader("content-type", "application/octet-stream")
    sending.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total)
    sending.onload = () =>
      sending.status >= 200 && sending.status < 300 ? resolve() : reject(errorOf(sending.status, sending.responseText))
    sending.onerror = () => reject(noAnswer())
    sending.onabort = () => reject(new ApiError(0, "aborted", "Cancelled."))
    sending.onloadend = () => signal.removeEventListener("abort", cancel)
    signal.addEventListener("abort", cancel)
    sending.send(file)
  })

export const socketAddress = (path: string): string =>
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`
