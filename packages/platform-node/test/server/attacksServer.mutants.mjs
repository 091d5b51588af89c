/** What `attacksServer.test.ts` watches over, each broken on purpose. */

const gate = `packages/platform-node/src/internal/server/http/originCheck.ts`
const http = `packages/platform-node/src/internal/server/http/httpServer.ts`
const listening = "packages/platform-node/src/internal/server/http/listen.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the Host header",
    changes: { [gate]: [["if (!isOurs(headers.host, request) ||", "if (headers.host === \"\" ||"]] },
    caughtBy: "answers under no other host name"
  },
  {
    defence: "the Origin header",
    changes: { [gate]: [["headers.origin !== undefined", "headers.origin === \"https://evil.example\""]] },
    caughtBy: "gives nothing to a browser page"
  },
  {
    defence: "the key: any at all would do",
    changes: {
      [`packages/platform-node/src/internal/server/routes/apiRoute.ts`]: [[
        "isKey(request.headers.authorization)",
        "request.headers.authorization !== undefined"
      ]]
    },
    caughtBy: "gives nothing to a program with a wrong key"
  },
  {
    defence: "keys and tokens: all of it counts",
    changes: { [gate]: [["digest(given ?? \"\")", "digest((given ?? \"\").slice(0, secret.length))"]] },
    caughtBy: "gives nothing to a program with a wrong key"
  },
  {
    defence: "keys and tokens: letters count as they are",
    changes: {
      [gate]: [
        ["digest(secret)", "digest(secret.toLowerCase())"],
        ["digest(given ?? \"\")", "digest((given ?? \"\").toLowerCase())"]
      ]
    },
    caughtBy: "gives nothing to a program with a wrong key"
  },
  {
    defence: "loopback only",
    changes: { [listening]: [["server.listen(port, host,", "server.listen(port, \"0.0.0.0\","]] },
    caughtBy: "listens on the loopback address alone"
  },
  {
    defence: "HTTP that is malformed is refused",
    changes: { [http]: [["Http.createServer({", "Http.createServer({\n    insecureHTTPParser: true,"]] },
    caughtBy: "works off no request that hides behind a malformed one"
  }
]
