/** Running code: over the tool, or streamed over the session's WebSocket. */
import type { Session } from "./agb.js"
import { isRecord, type Json, type Result } from "./api.js"
import { Stream } from "./stream.js"

const aliases: Json = {
  py: "python",
  python3: "python",
  js: "javascript",
  node: "javascript",
  nodejs: "javascript"
}

export interface Item extends Json {
  readonly isMainResult: boolean
}

export interface CodeResult {
  readonly requestId: string
  readonly success: boolean
  readonly logs: { readonly stdout: ReadonlyArray<string>; readonly stderr: ReadonlyArray<string> }
  readonly results: ReadonlyArray<Item>
  readonly errorMessage: string
}

interface Listeners {
  readonly streamBeta?: boolean
  readonly onStdout?: (chunk: string) => void
  readonly onStderr?: (chunk: string) => void
}

const failed = (errorMessage: string, requestId = ""): CodeResult => ({
  requestId,
  success: false,
  logs: { stdout: [], stderr: [] },
  results: [],
  errorMessage
})

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** An object, or the JSON text of one, perhaps encoded twice; any other text is a text item. */
const itemOf = (value: unknown): Item => {
  const once = typeof value === "string" ? parsed(value) : value
  const twice = typeof once === "string" ? parsed(once) : once
  return isRecord(twice)
    ? { ...twice, isMainResult: (twice["isMainResult"] ?? twice["is_main_result"]) === true }
    : { "text/plain": String(value), isMainResult: false }
}

const streamedItem = (result: unknown): Item =>
  itemOf(isRecord(result) ? { ...result["mime"] as Json, isMainResult: result["isMainResult"] } : result)

const parse = ({ data, errorMessage, requestId, success }: Result<string>): CodeResult => {
  if (!success) return failed(errorMessage, requestId)
  if (!data) return failed("No data returned", requestId)
  const run = parsed(data)
  if (!isRecord(run)) {
    const results = [{ "text/plain": data, isMainResult: true }]
    return { requestId, success: true, logs: { stdout: [data], stderr: [] }, results, errorMessage: "" }
  }
  const texts = (name: string) => (run[name] ?? []) as ReadonlyArray<string>
  return {
    requestId,
    success: !run["executionError"] && run["isError"] !== true,
    logs: { stdout: texts("stdout"), stderr: texts("stderr") },
    results: ((run["result"] ?? []) as ReadonlyArray<unknown>).map(itemOf),
    errorMessage: String(run["executionError"] ?? "")
  }
}

export class Code {
  private stream: Stream | undefined

  private readonly session: Session

  constructor(session: Session) {
    this.session = session
  }

  async run(code: string, language: string, timeoutS = 60, listeners: Listeners = {}): Promise<CodeResult> {
    const given = language.trim().toLowerCase()
    const canonical = String(aliases[given] ?? given)
    if (!["python", "javascript", "java", "r"].includes(canonical)) return failed(`Unsupported language: ${language}`)
    if (listeners.streamBeta === true) return this.runStream(code, canonical, timeoutS, listeners)
    return parse(await this.session.callMcpTool("run_code", { code, language: canonical, timeout_s: timeoutS }))
  }

  private async runStream(code: string, language: string, timeoutS: number, listeners: Listeners): Promise<CodeResult> {
    const stdout: Array<string> = []
    const stderr: Array<string> = []
    const results: Array<Item> = []
    const errors: Array<string> = []
    const hear = (chunks: Array<string>, chunk: unknown, listener = (_: string) => {}) => {
      chunks.push(String(chunk))
      listener(String(chunk))
    }
    const onEvent = ({ chunk, error, eventType, result }: Json) => {
      if (eventType === "stdout") hear(stdout, chunk, listeners.onStdout)
      if (eventType === "stderr") hear(stderr, chunk, listeners.onStderr)
      if (eventType === "error") errors.push(String((error as Json)["message"]))
      if (eventType === "result") results.push(streamedItem(result))
    }
    const answer = { logs: { stdout, stderr }, results }
    try {
      const stream = await this.connect()
      const handle = stream.callStream(this.target, this.request(code, language, timeoutS), onEvent)
      const { executionError, status } = await handle.waitEnd()
      const errorMessage = String(executionError ?? errors[0] ?? "")
      const success = errorMessage === "" && status !== "failed"
      return { ...answer, requestId: handle.invocationId, success, errorMessage }
    } catch (cause) {
      return { ...answer, requestId: "", success: false, errorMessage: (cause as Error).message }
    }
  }

  get target(): string {
    return this.session.servers.get("run_code") ?? "wuying_codespace"
  }

  request = (code: string, language: string, timeoutS: number): Json => ({
    method: "run_code",
    mode: "stream",
    params: { language, timeoutS, code }
  })

  async connect(): Promise<Stream> {
    if (this.session.wsUrl === "") throw new Error("wsUrl is not set on this session")
    this.stream ??= new Stream(this.session.wsUrl, this.session.token)
    await this.stream.opened
    return this.stream
  }

  close(): void {
    this.stream?.close()
    this.stream = undefined
  }
}
