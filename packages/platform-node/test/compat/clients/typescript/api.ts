/** Requests as the TypeScript client v0.12.0 sends them: the header set of axios, results that never throw. */
import * as Http from "node:http"

export type Json = Readonly<Record<string, unknown>>

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface Result<A> {
  readonly requestId: string
  readonly success: boolean
  readonly data: A | undefined
  readonly errorMessage: string
  readonly status: number
  readonly code: string
  readonly envelope: Json
}

export const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const failure = (errorMessage: string, requestId = ""): Result<never> => ({
  requestId,
  success: false,
  data: undefined,
  errorMessage,
  status: 0,
  code: "",
  envelope: {}
})

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

interface Response {
  readonly status: number
  readonly requestId: string
  readonly body: unknown
}

const exchange = (url: string, method: string, headers: Record<string, string>, body?: string): Promise<Response> =>
  new Promise((resolve, reject) => {
    const request = Http.request(url, { method, headers, timeout: 60_000 }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          requestId: String(response.headers["x-request-id"] ?? ""),
          body: parse(Buffer.concat(chunks).toString())
        }))
    })
    request.on("timeout", () => request.destroy(new Error("timeout of 60000ms exceeded")))
    request.on("error", reject)
    request.end(body)
  })

/** How a status is judged: exactly 200, or anything below 400. */
export type Rule = "strict" | "lenient"

const judged = <A>({ body, requestId, status }: Response, rule: Rule): Result<A> => {
  const envelope = isRecord(body) ? body : {}
  const good = (rule === "strict" ? status === 200 : status < 400) && envelope["success"] === true
  const said = isRecord(body) ? envelope["message"] || "Unknown error" : body || "Unknown error"
  return {
    requestId: typeof envelope["requestId"] === "string" ? envelope["requestId"] : requestId,
    success: good,
    data: (envelope["data"] ?? undefined) as A | undefined,
    errorMessage: good ? "" : String(said),
    status,
    code: String(envelope["code"] ?? ""),
    envelope
  }
}

/** Absent values are left out. */
const queryText = (query: Query): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}

export class Api {
  readonly endpoint: string
  private readonly headers: Record<string, string>

  constructor(apiKey = process.env["AGB_API_KEY"]) {
    if (!apiKey) throw new Error("API key is required. Provide it as a parameter or set AGB_API_KEY")
    const endpoint = process.env["AGB_ENDPOINT"] ?? "sdk-api.agb.cloud"
    this.endpoint = /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`
    this.headers = {
      Accept: "application/json, text/plain, */*",
      "Content-Type": "application/json",
      authorization: `Bearer ${apiKey}`,
      "User-Agent": "axios/1.21.1",
      "Accept-Encoding": "gzip, compress, deflate, br"
    }
  }

  async send<A>(method: string, path: string, query: Query, body: Json | undefined, rule: Rule): Promise<Result<A>> {
    const text = queryText(query)
    const url = `${this.endpoint}${path}${text === "" ? "" : `?${text}`}`
    const sent = body === undefined ? undefined : JSON.stringify(body)
    const length = sent === undefined ? {} : { "Content-Length": String(Buffer.byteLength(sent)) }
    try {
      return judged<A>(await exchange(url, method, { ...this.headers, ...length }, sent), rule)
    } catch (cause) {
      return failure((cause as Error).message)
    }
  }

  /** `/sdk/*`: everything in the query, and no body at all. */
  sdk<A>(path: string, query: Query, rule: Rule = "lenient"): Promise<Result<A>> {
    return this.send("POST", path, query, undefined, rule)
  }

  get<A>(path: string, query: Query, rule: Rule = "lenient"): Promise<Result<A>> {
    return this.send("GET", path, query, undefined, rule)
  }

  post<A>(path: string, body: Json, query: Query = {}, rule: Rule = "strict"): Promise<Result<A>> {
    return this.send("POST", path, query, body, rule)
  }
}

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))
