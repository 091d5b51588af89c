/** What `attacksTokens.test.ts` watches over, each broken on purpose. */

const webSocket = `packages/platform-node/src/internal/server/routes/webSocketRoute.ts`
const http = `packages/platform-node/src/internal/server/http/httpServer.ts`
const contexts = "packages/platform-node/src/internal/contexts"
const urls = `${contexts}/signedUrls.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the token of a link",
    changes: {
      [`packages/platform-node/src/internal/server/routes/linkRoute.ts`]: [[
        "yield* requireToken(session, request.headersDistinct[\"x-access-token\"]?.[0])",
        "yield* Effect.void"
      ]]
    },
    caughtBy: "a link takes the token of its session"
  },
  {
    defence: "the token in the body of a link's call",
    changes: {
      [`packages/platform-node/src/internal/server/routes/linkRoute.ts`]: [[
        "return requireToken(session, token).pipe(",
        "return requireToken(session, token === \"\" ? token : session.token).pipe("
      ]]
    },
    caughtBy: "a link believes no other token"
  },
  {
    defence: "the token of a WebSocket",
    changes: {
      [webSocket]: [
        [
          "yield* requireToken(session, headersDistinct",
          "yield* requireToken(session, [session.token][0] ?? headersDistinct"
        ]
      ]
    },
    caughtBy: "a WebSocket opens for the token"
  },
  {
    defence: "WebSockets from browser pages",
    changes: {
      [http]: [
        [
          "const error = (isOfSite ? undefined : originCheck(request, target)) ??\n      (work.isStopping() ?",
          "const error = (work.isStopping() ?"
        ]
      ]
    },
    caughtBy: "a WebSocket opens for the token"
  },
  {
    defence: "a presigned URL: its signature",
    changes: {
      [urls]: [["if (!Crypto.timingSafeEqual(signature(grant), Buffer.from(given, \"hex\"))) return \"forbidden\"", ""]]
    },
    caughtBy: "a presigned URL opens one file for one method"
  },
  {
    defence: "a presigned URL: its method",
    changes: {
      [urls]: [["JSON.stringify([method, contextId, path, expires])", "JSON.stringify([contextId, path, expires])"]]
    },
    caughtBy: "a presigned URL opens one file for one method"
  },
  {
    defence: "a presigned URL: its file",
    changes: {
      [urls]: [["JSON.stringify([method, contextId, path, expires])", "JSON.stringify([method, contextId, expires])"]]
    },
    caughtBy: "a presigned URL opens one file for one method"
  },
  {
    defence: "a presigned URL: its expiry is signed",
    changes: {
      [urls]: [["JSON.stringify([method, contextId, path, expires])", "JSON.stringify([method, contextId, path])"]]
    },
    caughtBy: "a presigned URL opens one file for one method"
  },
  {
    defence: "paths of contexts",
    changes: { [`${contexts}/sync/contextPaths.ts`]: [["segments.includes(\"..\")", "segments.includes(\"...\")"]] },
    caughtBy: "no URL is made for a path that leaves its context"
  }
]
