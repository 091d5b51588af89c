/** Asks our client for what a recorded call asked for, and shows the answer in the words of the official SDKs. */
import type { Agb, AgbApi, AgbError, Code, Command, Session } from "@effect-agb/core"
import { Chunk, Duration, Effect, Encoding, Option, Redacted, Stream } from "effect"
import { isOurs, type Json, type RecordedCall, type RecordedRequest } from "./recordings.js"
import type { StandIn } from "./standIn.js"

export interface To {
  readonly agb: Agb.Agb.Service
  /** The session that the recorded requests name. */
  readonly session: Session.Session
  readonly standIn: StandIn
}

type View = Json

type Ask = (call: RecordedCall, to: To) => Effect.Effect<View, AgbError.AgbError>

const requestsOf = ({ exchanges }: RecordedCall): ReadonlyArray<RecordedRequest> =>
  exchanges.filter(isOurs).flatMap(({ request }) => request ?? [])

const bodyOf = ({ body }: RecordedRequest): Json => (body ?? {}) as Json

const argsOf = (request: RecordedRequest): Json => JSON.parse(String(bodyOf(request)["args"])) as Json

const first = (call: RecordedCall): RecordedRequest => requestsOf(call)[0] as RecordedRequest

export const sessionIdOf = (call: RecordedCall): string => {
  const [request] = requestsOf(call)
  return String(request === undefined ? "s" : bodyOf(request)["sessionId"] ?? request.query["sessionId"] ?? "s")
}

const done = <E>(effect: Effect.Effect<unknown, E>): Effect.Effect<View, E> => Effect.as(effect, {})

const sawKey = ({ saw }: RecordedCall, key: string): boolean => typeof saw === "object" && saw !== null && key in saw

const createSession: Ask = (call, { agb }) => {
  const { query } = first(call)
  const { labels, mcpPolicyId, timeout } = bodyOf(first(call))
  const imageId = query["imageId"]
  return imageId === undefined || timeout === 0
    ? Effect.map(
      agb.client.createSession({ ...(imageId && { imageId }), ...(timeout === 0 && { timeout }) }),
      ({ resourceUrl, sessionId }) => ({ session: { $session: { sessionId, resourceUrl } } })
    )
    : Effect.map(
      agb.create({
        imageId,
        ...(labels !== undefined && { labels: JSON.parse(String(labels)) as Record<string, string> }),
        ...(mcpPolicyId !== undefined && { policyId: String(mcpPolicyId) }),
        ...(timeout !== undefined && { idleTimeout: Duration.seconds(Number(timeout)) })
      }),
      ({ imageId, resourceUrl, sessionId }) => ({ session: { $session: { sessionId, resourceUrl, imageId } } })
    )
}

const getSession: Ask = (call, { agb }) =>
  sawKey(call, "session")
    ? Effect.map(agb.attach(sessionIdOf(call)), ({ imageId, resourceUrl, sessionId }) => ({
      session: { $session: { sessionId, resourceUrl, imageId } }
    }))
    : Effect.map(
      agb.client.getSession({ sessionId: sessionIdOf(call) }),
      ({ resourceUrl = "", token, toolList, wsUrl = "", ...reply }) => ({
        data: {
          ...{ success: true, appInstanceId: "", resourceId: "", resourceUrl: "", linkUrl: "", wsUrl: "" },
          ...reply,
          ...{ resourceUrl, wsUrl },
          token: token === undefined ? "" : Redacted.value(token),
          toolList: toolList ?? ""
        }
      })
    )

const info: Ask = (_call, { session }) =>
  Effect.map(session.info, ({ desktop, resourceUrl, sessionId }) => {
    const { authCode, connectionProperties, ticket, ...rest } = Option.getOrElse(
      desktop,
      (): AgbApi.DesktopInfo => ({})
    )
    const revealed = (secret: Redacted.Redacted<string> | undefined) => secret && Redacted.value(secret)
    const secrets = { authCode: revealed(authCode), connectionProperties, ticket: revealed(ticket) }
    return { data: { sessionId, resourceUrl, ...rest, ...secrets } }
  })

const listPage = ({ query }: RecordedRequest, { agb }: To) =>
  Effect.map(
    agb.client.listSession({
      maxResults: Number(query["maxResults"]),
      labels: JSON.parse(query["labels"] ?? "{}") as Record<string, string>,
      ...(query["nextToken"] !== undefined && { nextToken: query["nextToken"] })
    }),
    ({ maxResults, nextToken, sessions, total }) => ({
      sessionIds: sessions.map(({ sessionId }) => sessionId),
      nextToken,
      maxResults,
      totalCount: total
    })
  )

const list: Ask = (call, to) =>
  requestsOf(call).length === 1
    ? listPage(first(call), to)
    : Effect.map(Stream.runCollect(to.agb.list()), (sessions) => ({
      sessionIds: Chunk.toReadonlyArray(sessions).map(({ sessionId }) => sessionId)
    }))

const getLink: Ask = (call, { session }) => {
  const { port, protocolType } = first(call).query
  return Effect.map(
    session.getLink({ protocolType, port: port === undefined ? undefined : Number(port) }),
    (data) => ({ data })
  )
}

const shortNames: Readonly<Record<string, string>> = {
  "text/plain": "text",
  "text/html": "html",
  "text/markdown": "markdown",
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/svg+xml": "svg",
  "application/json": "json",
  "text/latex": "latex",
  "application/vnd.vegalite.v4+json": "chart"
}

const viewRun = (
  { executionCount, executionTime = Duration.zero, results, stderr, stdout, text }: Code.CodeResult
) => ({
  results: results.map(({ data, isMainResult }) => ({
    ...Object.fromEntries(Object.entries(data).map(([type, value]) => [shortNames[type] ?? type, value])),
    isMainResult
  })),
  logs: { stdout, stderr },
  executionCount,
  executionTime: Duration.toSeconds(executionTime),
  result: text
})

const runCode: Ask = (call, { session }) => {
  const { code, language, timeout_s: timeout } = argsOf(first(call))
  return Effect.map(
    session.code.runCode(String(code), String(language), { timeout: Duration.seconds(Number(timeout)) }),
    viewRun
  )
}

const callTool: Ask = (call, { session }) => {
  const name = String(bodyOf(first(call))["name"])
  return Effect.map(
    session.callTool(name, argsOf(first(call))),
    (data) => sawKey(call, "raw") && data.startsWith("{") ? { raw: JSON.parse(data) } : { data }
  )
}

const viewCommand = ({ exitCode, output, stderr, stdout }: Command.CommandResult) => ({
  output,
  exitCode,
  stdout,
  stderr
})

const shell: Ask = (call, to) => {
  const { command, cwd, envs, timeout_ms: timeout } = argsOf(first(call))
  return call.group === "tools" || timeout === undefined ? callTool(call, to) : Effect.map(
    to.session.command.executeCommand(String(command), {
      timeout: Number(timeout),
      cwd: cwd as string | undefined,
      envs: envs as Record<string, string> | undefined
    }),
    viewCommand
  )
}

const getFileInfo: Ask = (call, { session }) => {
  const path = String(argsOf(first(call))["path"])
  const wantsBytes = requestsOf(call).some((request) => argsOf(request)["format"] === "binary")
  if (!sawKey(call, "content")) {
    return Effect.map(session.fileSystem.getFileInfo(path), (fileInfo) => ({ fileInfo }))
  }
  return wantsBytes
    ? Effect.map(session.fileSystem.readFileBytes(path), (bytes) => ({
      content: { $bytes: Encoding.encodeBase64(bytes) },
      size: bytes.length
    }))
    : Effect.map(session.fileSystem.readFile(path), (content) => ({ content }))
}

const writeFile: Ask = (call, { session }) => {
  const pieces = requestsOf(call).map(argsOf)
  const { mode, path } = pieces[0] as Json
  const content = pieces.map(({ content }) => content).join("")
  return done(session.fileSystem.writeFile(String(path), content, { mode: mode as "overwrite" }))
}

/** The recorded SDK was polling while its user wrote a file in between. */
const watch: Ask = (call, { session, standIn }) => {
  const events: Array<unknown> = []
  const path = String(argsOf(first(call))["path"])
  const answered = (count: number) =>
    Effect.repeat(Effect.delay(Effect.sync(standIn.answered), "500 millis"), { until: (answered) => answered >= count })
  const user = Effect.forEach(requestsOf(call), (request, index) => {
    const { content, path } = argsOf(request)
    return content === undefined
      ? answered(index + 1)
      : session.fileSystem.writeFile(String(path), String(content))
  })
  return session.fileSystem.watchDirectory(path).pipe(
    Stream.runForEach((event) => Effect.sync(() => event.eventType === "ready" ? 0 : events.push(event))),
    Effect.raceFirst(Effect.delay(user, 1)),
    Effect.map(() => ({ watched: events }))
  )
}

const getFileChange: Ask = (call, to) =>
  call.callId.startsWith("watch") ? watch(call, to) : Effect.map(
    to.session.fileSystem.getFileChange(String(argsOf(first(call))["path"])),
    (events) => ({ events })
  )

/** How our client is asked for what starts with a certain operation. */
const asks: Readonly<Record<string, Ask>> = {
  createSession,
  getSession,
  getSessionInfo: (_call, { session }) => Effect.map(session.status, (status) => ({ status })),
  getMcpResource: info,
  refreshSessionIdleTime: (_call, { session }) => done(session.keepAlive),
  releaseSession: (call, { agb }) => done(agb.client.releaseSession({ sessionId: sessionIdOf(call) })),
  releaseSessionAsync: (call, { agb }) => done(agb.delete(sessionIdOf(call))),
  ListSession: list,
  SetLabel: (call, { session }) =>
    done(session.setLabels(JSON.parse(String(first(call).query["Labels"])) as Record<string, string>)),
  GetLabel: (_call, { session }) => Effect.map(session.getLabels, (data) => ({ data })),
  getLink,
  listTools: (call, { session }) => Effect.map(session.listTools(first(call).query["imageId"]), (tools) => ({ tools })),
  "mcp:run_code": runCode,
  "mcp:shell": shell,
  "mcp:create_directory": (call, { session }) =>
    done(session.fileSystem.createDirectory(String(argsOf(first(call))["path"]))),
  "mcp:delete_file": (call, { session }) => done(session.fileSystem.deleteFile(String(argsOf(first(call))["path"]))),
  "mcp:edit_file": (call, { session }) => {
    const { dryRun, edits, path } = argsOf(first(call))
    return done(
      session.fileSystem.editFile(String(path), edits as ReadonlyArray<FileEdit>, { dryRun: dryRun === true })
    )
  },
  "mcp:get_file_info": getFileInfo,
  "mcp:list_directory": (call, { session }) =>
    Effect.map(session.fileSystem.listDirectory(String(argsOf(first(call))["path"])), (entries) => ({ entries })),
  "mcp:move_file": (call, { session }) => {
    const { destination, source } = argsOf(first(call))
    return done(session.fileSystem.moveFile(String(source), String(destination)))
  },
  "mcp:read_multiple_files": (call, { session }) =>
    Effect.map(
      session.fileSystem.readMultipleFiles(argsOf(first(call))["paths"] as ReadonlyArray<string>),
      (files) => ({ files: Object.fromEntries(files) })
    ),
  "mcp:search_files": (call, { session }) => {
    const { excludePatterns, path, pattern } = argsOf(first(call))
    return Effect.map(
      session.fileSystem.searchFiles(String(path), String(pattern), {
        excludePatterns: excludePatterns as ReadonlyArray<string> | undefined
      }),
      (matches) => ({ matches })
    )
  },
  "mcp:write_file": writeFile,
  "mcp:get_file_change": getFileChange
}

interface FileEdit {
  readonly oldText: string
  readonly newText: string
}

const operationOf = ({ exchanges }: RecordedCall): string => exchanges.find(isOurs)?.operation as string

/** Any other tool is called by its name. */
export const ask: Ask = (call, to) => (asks[operationOf(call)] ?? callTool)(call, to)
