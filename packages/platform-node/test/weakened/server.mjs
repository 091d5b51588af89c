/** Defences of the server: who is let in, to what, and how much of it. */

const contexts = "packages/platform-node/src/internal/contexts"
const agentWire = "packages/platform-node/src/internal/agentWire"
const gate = `packages/platform-node/src/internal/server/http/originCheck.ts`
const http = `packages/platform-node/src/internal/server/http/httpServer.ts`
const body = `packages/platform-node/src/internal/server/http/requestBody.ts`
const connections = `packages/platform-node/src/internal/server/http/connections.ts`
const registry = `packages/platform-node/src/internal/server/sessions/registry.ts`
const webSocket = `packages/platform-node/src/internal/server/routes/webSocketRoute.ts`
const hosts = `packages/platform-node/src/internal/server/http/hosts.ts`
const launcher = `packages/platform-node/src/internal/cli/launcher.ts`
const gateway = `packages/platform-node/src/internal/server/routes/linkGateway.ts`
const urls = `${contexts}/signedUrls.ts`

const quota = `${contexts}/store/quota.ts`

const tests = "packages/platform-node/test"
const comparisons = `${tests}/server/attacksComparisons.test.ts`
const stored = `${tests}/contexts/contexts.test.ts`
const server = `${tests}/server/attacksServer.test.ts`
const bodies = `${tests}/server/attacksBodies.test.ts`
const limits = `${tests}/server/attacksLimits.test.ts`
const tokens = `${tests}/server/attacksTokens.test.ts`
const sockets = `${tests}/server/attacksSockets.test.ts`
const links = `${tests}/server/links.test.ts`
const program = `${tests}/server/program.test.ts`
const hostTests = `${tests}/server/hosts.test.ts`
const life = `${tests}/server/server.test.ts`

/** @type {ReadonlyArray<import("./weakening.js").Weakening>} */
export default [
  {
    defence: "the Host header",
    changes: { [gate]: [["if (!isOurs(headers.host, request) ||", "if (headers.host === \"\" ||"]] },
    caughtBy: [server, "answers under no other host name"]
  },
  {
    defence: "the Host header where clients may use other names",
    changes: { [hosts]: [["anyPort.has(split(name)[0])", "anyPort.size > 0"]] },
    caughtBy: [hostTests, "checks the Host header all the same"]
  },
  {
    defence: "the warning that sessions can be reached from other machines",
    changes: { [hosts]: [["if (reasons.length === 0) return undefined", "if (reasons.length < 3) return undefined"]] },
    caughtBy: [hostTests, "says so, listens on all addresses"]
  },
  {
    defence: "the Host header of links where clients may use other names",
    changes: { [gateway]: [["return !isOwn(host, request) ||", "return host === undefined ||"]] },
    caughtBy: [hostTests, "opens links under the name that the client uses"]
  },
  {
    defence: "agb-local does not outlive the npm that started it",
    changes: { [launcher]: [["if (!isGone(launcher)) return", "if (launcher.pid > 0) return"]] },
    caughtBy: [program, "by SIGKILL, ends and leaves nothing"]
  },
  {
    defence: "agb-local outlives npm in a session of its own",
    changes: { [launcher]: [[" || isDetached()) return", ") return"]] },
    caughtBy: [program, "goes on when it was started by something else"]
  },
  {
    defence: "requests in flight on a connection",
    changes: { [connections]: [[">= limits.requestsPerConnection", ">= limits.connections"]] },
    caughtBy: [limits, "that waits for as many replies as it may"]
  },
  {
    defence: "the Origin header",
    changes: { [gate]: [["headers.origin !== undefined", "headers.origin === \"https://evil.example\""]] },
    caughtBy: [server, "gives nothing to a browser page"]
  },
  {
    defence: "the key: any at all would do",
    changes: {
      [`packages/platform-node/src/internal/server/routes/apiRoute.ts`]: [[
        "isKey(request.headers.authorization)",
        "request.headers.authorization !== undefined"
      ]]
    },
    caughtBy: [server, "gives nothing to a program with a wrong key"]
  },
  {
    defence: "keys and tokens: all of it counts",
    changes: { [gate]: [["digest(given ?? \"\")", "digest((given ?? \"\").slice(0, secret.length))"]] },
    caughtBy: [server, "gives nothing to a program with a wrong key"]
  },
  {
    defence: "keys and tokens: letters count as they are",
    changes: {
      [gate]: [
        ["digest(secret)", "digest(secret.toLowerCase())"],
        ["digest(given ?? \"\")", "digest((given ?? \"\").toLowerCase())"]
      ]
    },
    caughtBy: [server, "gives nothing to a program with a wrong key"]
  },
  {
    defence: "keys and tokens: compared in constant time",
    changes: {
      [gate]: [["Crypto.timingSafeEqual(expected, digest(given ?? \"\")) && given !== undefined", "given === secret"], [
        "  const expected = digest(secret)\n",
        ""
      ]]
    },
    caughtBy: [comparisons, "is compared by its hash"]
  },
  {
    defence: "keys and tokens: compared by their hash, whatever their length",
    changes: { [gate]: [["(given) => Crypto", "(given) => given?.length === secret.length && Crypto"]] },
    caughtBy: [comparisons, "is compared by its hash"]
  },
  {
    defence: "a presigned URL: compared in constant time",
    changes: {
      [urls]: [[
        "!Crypto.timingSafeEqual(signature(grant), Buffer.from(given, \"hex\"))",
        "signature(grant).toString(\"hex\") !== given"
      ]]
    },
    caughtBy: [comparisons, "that signs a URL"]
  },
  {
    defence: "loopback only",
    changes: { [http]: [["server.listen(port, host,", "server.listen(port, \"0.0.0.0\","]] },
    caughtBy: [server, "listens on the loopback address alone"]
  },
  {
    defence: "HTTP that is malformed is refused",
    changes: { [http]: [["Http.createServer({", "Http.createServer({\n    insecureHTTPParser: true,"]] },
    caughtBy: [server, "works off no request that hides behind a malformed one"]
  },
  {
    defence: "forms are refused",
    changes: { [body]: [["if (formType.test(", "if (formType.source === \"\" && formType.test("]] },
    caughtBy: [life, "refuses bodies that it does not read"]
  },
  {
    defence: "the size of a body",
    changes: {
      [body]: [["size <= limits.bodyBytes", "size <= 100 * limits.bodyBytes"], [
        "Number(headers[\"content-length\"] ?? 0) > limit ?",
        "Number(headers[\"content-length\"] ?? 0) > 100 * limit ?"
      ]]
    },
    caughtBy: [bodies, "is not read to its end where it is too large"]
  },
  {
    defence: "the announced size of a body",
    changes: {
      [body]: [[
        "Number(headers[\"content-length\"] ?? 0) > limit ?",
        "Number(headers[\"content-length\"] ?? 0) > 100 * limit ?"
      ]]
    },
    caughtBy: [bodies, "is refused by its length"]
  },
  {
    defence: "bodies are not decompressed",
    changes: {
      [body]: [[
        "(headers[\"content-encoding\"] ?? \"identity\") !== \"identity\"",
        "headers[\"content-encoding\"] === \"x\""
      ]]
    },
    caughtBy: [bodies, "is not read to its end where it is too large or compressed"]
  },
  {
    defence: "the depth of JSON",
    changes: {
      [`${agentWire}/jsonLimits.ts`]: [["if (depth > limits.depth)", "if (depth > 1e6 * limits.depth)"]]
    },
    caughtBy: [life, "the depth of JSON"]
  },
  {
    defence: "the number of values in JSON",
    changes: { [body]: [["cost: maxJsonCost", "cost: Infinity"]] },
    caughtBy: [bodies, "is not parsed where it holds too many values"]
  },
  {
    defence: "slow headers are cut",
    changes: { [http]: [["headersTimeout: headers,", "headersTimeout: 290_000,"]] },
    caughtBy: [limits, "that is slow or only half open is cut"]
  },
  {
    defence: "slow bodies are cut",
    changes: {
      [body]: [["setTimeout(() => finish(Effect.fail(tooSlow(limits.body))), limits.body)", "setTimeout(() => {}, 0)"]]
    },
    caughtBy: [limits, "that is slow or only half open is cut"]
  },
  {
    defence: "idle connections are cut",
    changes: {
      [http]: [["keepAliveTimeout: idle,", "keepAliveTimeout: 600_000,"]],
      [connections]: [["server.timeout = limits.stall", "server.timeout = 600_000"]]
    },
    caughtBy: [limits, "that is slow or only half open is cut"]
  },
  {
    defence: "clients that take nothing are cut",
    changes: { [connections]: [["server.timeout = limits.stall", "server.timeout = 600_000"]] },
    caughtBy: [life, "cuts a client that takes nothing of its reply"]
  },
  {
    defence: "the number of connections",
    changes: { [connections]: [["server.maxConnections = limits.connections", "server.maxConnections = 100_000"]] },
    caughtBy: [limits, "beyond the number of connections is cut at once"]
  },
  {
    defence: "the number of strangers",
    changes: {
      [connections]: [[
        "since.size > limits.unauthenticatedConnections",
        "since.size > 1e6 * limits.unauthenticatedConnections"
      ]]
    },
    caughtBy: [limits, "that shows no key makes room for the next"]
  },
  {
    defence: "the number of sessions",
    changes: {
      [registry]: [["sessions.size + starting >= maxSessions", "sessions.size + starting >= 10 * maxSessions"]]
    },
    caughtBy: [limits, "beyond the number that may be are refused"]
  },
  {
    defence: "sessions that still start count",
    changes: { [registry]: [["sessions.size + starting >= maxSessions", "sessions.size >= maxSessions"]] },
    caughtBy: [limits, "beyond the number that may be are refused"]
  },
  {
    defence: "idle sessions are released",
    changes: { [registry]: [["now - usedAt >= idleMillis", "now - usedAt >= 1000 * idleMillis"]] },
    caughtBy: [limits, "that nobody uses are released"]
  },
  {
    defence: "sessions at work are not idle",
    changes: { [registry]: [["active === 0 && now", "active >= 0 && now"]] },
    caughtBy: [limits, "that nobody uses are released, and those at work are not"]
  },
  {
    defence: "the token of a link",
    changes: {
      [`packages/platform-node/src/internal/server/routes/linkRoute.ts`]: [[
        "yield* demandToken(session, request.headersDistinct[\"x-access-token\"]?.[0])",
        "yield* Effect.void"
      ]]
    },
    caughtBy: [tokens, "a link takes the token of its session"]
  },
  {
    defence: "the token in the body of a link's call",
    changes: {
      [`packages/platform-node/src/internal/server/routes/linkRoute.ts`]: [[
        "return demandToken(session, token).pipe(",
        "return demandToken(session, token === \"\" ? token : session.token).pipe("
      ]]
    },
    caughtBy: [tokens, "a link believes no other token"]
  },
  {
    defence: "the token of a WebSocket",
    changes: {
      [webSocket]: [
        [
          "yield* demandToken(session, headersDistinct",
          "yield* demandToken(session, [session.token][0] ?? headersDistinct"
        ]
      ]
    },
    caughtBy: [tokens, "a WebSocket opens for the token"]
  },
  {
    defence: "WebSockets from browser pages",
    changes: {
      [http]: [
        [
          "const refusal = gate(request, target) ?? (work.isEnding() ? ending : undefined)",
          "const refusal = work.isEnding() ? ending : undefined"
        ]
      ]
    },
    caughtBy: [tokens, "a WebSocket opens for the token"]
  },
  {
    defence: "the size of a WebSocket message",
    changes: { [webSocket]: [["maxPayload: frameBytes", "maxPayload: 100 * frameBytes"]] },
    caughtBy: [sockets, "that announces a message without end is cut"]
  },
  {
    defence: "WebSockets whose client is gone",
    changes: { [webSocket]: [["if (now === seen) return socket.terminate()", ""]] },
    caughtBy: [sockets, "that gives no sign of life is cut"]
  },
  {
    defence: "runs of a client that is gone",
    changes: { [webSocket]: [["work.start(Scope.close(scope, Exit.void))", "work.start(Effect.void)"]] },
    caughtBy: [sockets, "whose client is gone leaves no run behind"]
  },
  {
    defence: "a presigned URL: its signature",
    changes: {
      [urls]: [["if (!Crypto.timingSafeEqual(signature(grant), Buffer.from(given, \"hex\"))) return \"forbidden\"", ""]]
    },
    caughtBy: [tokens, "a presigned URL opens one file for one method"]
  },
  {
    defence: "a presigned URL: its method",
    changes: {
      [urls]: [["JSON.stringify([method, contextId, path, expires])", "JSON.stringify([contextId, path, expires])"]]
    },
    caughtBy: [tokens, "a presigned URL opens one file for one method"]
  },
  {
    defence: "a presigned URL: its file",
    changes: {
      [urls]: [["JSON.stringify([method, contextId, path, expires])", "JSON.stringify([method, contextId, expires])"]]
    },
    caughtBy: [tokens, "a presigned URL opens one file for one method"]
  },
  {
    defence: "a presigned URL: its expiry is signed",
    changes: {
      [urls]: [["JSON.stringify([method, contextId, path, expires])", "JSON.stringify([method, contextId, path])"]]
    },
    caughtBy: [tokens, "a presigned URL opens one file for one method"]
  },
  {
    defence: "a presigned URL: its expiry",
    changes: {
      [urls]: [[
        "return nowMillis >= grant.expires * 1000 ? \"expired\" : grant",
        "return nowMillis < 0 ? \"expired\" : grant"
      ]]
    },
    caughtBy: [`${tests}/contexts/contextUrls.test.ts`, "end at their second"]
  },
  {
    defence: "the size of a context",
    changes: { [quota]: [["used + bytes > limit", "parent === undefined && used + bytes > limit"]] },
    caughtBy: [stored, "are kept while bytes arrive"]
  },
  {
    defence: "the size of all contexts",
    changes: { [quota]: [["parent?.take(bytes)", "parent?.count(bytes)"]] },
    caughtBy: [stored, "are kept while bytes arrive"]
  },
  {
    defence: "the files of a context",
    changes: {
      [`${contexts}/store/contextFiles.ts`]: [["this.#files.size >= this.#options.maxFiles", "this.#files.size < 0"]]
    },
    caughtBy: [stored, "are kept while bytes arrive"]
  },
  {
    defence: "what is still being written counts",
    changes: {
      [`${contexts}/store/stagedFile.ts`]: [
        ["this.#quota.take(piece.length)\n    this.#size", "this.#size"],
        [
          "    if (isDurable) await this.#file.datasync()",
          "    this.#quota.take(this.#size)\n    if (isDurable) await this.#file.datasync()"
        ]
      ]
    },
    caughtBy: [stored, "cannot be exceeded by many uploads at once"]
  },
  {
    defence: "what did not become a file counts no more",
    changes: { [`${contexts}/store/stagedFile.ts`]: [["this.#quota.count(-this.#size)", ""]] },
    caughtBy: [stored, "cannot be exceeded by many uploads at once"]
  },
  {
    defence: "paths of contexts",
    changes: { [`${contexts}/sync/contextPaths.ts`]: [["segments.includes(\"..\")", "segments.includes(\"...\")"]] },
    caughtBy: [tokens, "no URL is made for a path that leaves its context"]
  },
  {
    defence: "uploads that break off",
    changes: {
      [`${contexts}/fileRoute.ts`]: [
        ["if (!request.complete) throw cutOff", ""],
        [
          "await staged.file.abort()\n    throw request.destroyed && !(error instanceof ApiError) ? cutOff : error",
          "if (error instanceof Refusal) throw error"
        ]
      ]
    },
    caughtBy: [`${tests}/contexts/contextUrls.test.ts`, "that are cut off leave nothing"]
  },
  {
    defence: "the log holds no path",
    changes: {
      [`packages/platform-node/src/internal/server/http/httpServer.ts`]: [[
        "route: route.name(method, path),",
        "route: request.url ?? route.name(method, path),"
      ]]
    },
    caughtBy: [`${tests}/server/attacksLog.test.ts`, "shows no key, token, code or path"]
  },
  {
    defence: "the log quotes no defect",
    changes: {
      [`packages/platform-node/src/internal/server/http/requestLog.ts`]: [[
        "return [defect.name, ...frames].join(",
        "return [defect.name, defect.message, ...frames].join("
      ]]
    },
    caughtBy: [`${tests}/server/attacksLog.test.ts`, "names the place of a defect"]
  },
  {
    defence: "the log quotes no lines of a defect",
    changes: {
      [`packages/platform-node/src/internal/server/http/requestLog.ts`]: [[
        "stack.slice(said + defect.message.length)",
        "stack"
      ]]
    },
    caughtBy: [`${tests}/server/attacksLog.test.ts`, "names the place of a defect"]
  },
  {
    defence: "the end lets calls in flight finish",
    changes: { [http]: [["works.make(limits.drain)", "works.make(0)"]] },
    caughtBy: [life, "lets calls in flight finish"],
    fails: "SyntaxError"
  },
  {
    defence: "the end interrupts what takes longer",
    changes: {
      [`packages/platform-node/src/internal/server/http/work.ts`]: [[
        "for (const fiber of fibers) fiber.unsafeInterruptAsFork(FiberId.none)",
        ""
      ]]
    },
    caughtBy: [life, "interrupts what takes longer"],
    fails: "fetch failed"
  },
  {
    defence: "a link into a session: its token",
    changes: { [gateway]: [["if (isToken(first)) return", "if (first !== \"\") return"]] },
    caughtBy: [links, "opens for nobody without its token"]
  },
  {
    defence: "a link into a session: pages from elsewhere",
    changes: { [gateway]: [["!isOwn(own.exec(origin)?.[1], request)", "origin === \"\""]] },
    caughtBy: [links, "opens for nobody without its token"]
  },
  {
    defence: "a link in use keeps its session: requests",
    changes: {
      [gateway]: [[
        "      touch()\n      return session.sandbox.tunnel(port, touch)",
        "      return session.sandbox.tunnel(port)"
      ]]
    },
    caughtBy: [`${tests}/server/linksIdle.test.ts`, "keeps its session from idling"]
  },
  {
    defence: "a link in use keeps its session: what passes later",
    changes: { [gateway]: [["session.sandbox.tunnel(port, touch)", "session.sandbox.tunnel(port)"]] },
    caughtBy: [`${tests}/server/linksIdle.test.ts`, "keeps its session from idling"]
  },
  {
    defence: "a link into a session: what no reply is made of",
    changes: {
      [gateway]: [["response.writeHead(statusCode, [", "response.writeHead(statusCode, answer.statusMessage, ["]]
    },
    caughtBy: [`${tests}/server/attacksLinks.test.ts`, "what no reply is made of"],
    fails: "fetch failed"
  },
  {
    defence: "a link into a session: headers between neighbours",
    changes: { [gateway]: [["!betweenNeighbours.test(pair[0]) && ", ""]] },
    caughtBy: [`${tests}/server/attacksLinks.test.ts`, "what no reply is made of"]
  },
  {
    defence: "a link into a session: cookies of other links",
    changes: { [gateway]: [[" && !isAboutOthers(pair)", ""]] },
    caughtBy: [`${tests}/server/attacksLinks.test.ts`, "what no reply is made of"]
  },
  {
    defence: "a link into a session: a planted cookie shuts nobody out",
    changes: {
      [gateway]: [[
        ".some(([name, value]) => name === cookieName && isToken(value))",
        ".filter(([name]) => name === cookieName).slice(0, 1).some(([, value]) => isToken(value))"
      ]]
    },
    caughtBy: [links, "carries its token to absolute paths"]
  },
  {
    defence: "a link into a session: its cookies are not the session's",
    changes: { [gateway]: [["!cookie.startsWith(cookiePrefix)", "cookie !== \"\""]] },
    caughtBy: [links, "keeps it from the session"]
  }
]
