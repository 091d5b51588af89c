// Writes packages/core/test/transcripts/*.json: what the tests need of the recorded exchanges of the official SDKs, which
// lie beside the repository in ../shared/protocol/transcripts. With --check it writes nothing and fails if a file is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs"

const source = new URL("../../shared/protocol/transcripts/", import.meta.url)
const target = new URL("../packages/core/test/client/transcripts/", import.meta.url)
const folders = { typescript: "", python: "python/", "python-v0.2.2": "python-v0.2.2/" }
const later = ["linkurl", "websocket", "context", "browser", "computer"]
const groups = ["session", "list", "labels", "code", "command", "filesystem", "tools", "errors", ...later]
const missing = { python: ["computer"], "python-v0.2.2": ["list", "labels", "tools", ...later] }

const keepRequest = ({ body, bodyPresent, method, path, query }) => ({
  method,
  path,
  query,
  body,
  ...(bodyPresent === undefined ? {} : { bodyPresent })
})

const keepRecord = (group, { call, callId, clientSaw, frames, operation, request, response, step, steps }) => ({
  group,
  operation,
  callId,
  call,
  step,
  steps,
  ...(request ? { request: keepRequest(request), response } : {}),
  ...(frames ? { frames } : {}),
  ...(clientSaw === undefined ? {} : { clientSaw })
})

const routes = { link: /^linkUrl:/, presigned: /^presigned:/, api: /^/ }

const routeOf = (operation) => Object.keys(routes).find((route) => routes[route].test(operation))

const withoutToken = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "X-Access-Token"))

const oneHeaderSet = (records, what) => {
  const sets = new Set(records.map(({ request }) => JSON.stringify(withoutToken(request.headers))))
  if (sets.size > 1) throw new Error(`${what}: ${sets.size} sets of request headers`)
  return [...sets].map((set) => JSON.parse(set))
}

/** What a client sends with every request of a route: only a token differs. */
const headerSets = (folder, records) =>
  Object.fromEntries(
    Object.keys(routes).reverse().flatMap((route) => {
      const requests = records.filter(({ operation, request }) => request && routeOf(operation) === route)
      return oneHeaderSet(requests, `${folder}, ${route}`).map((headers) => [route, headers])
    })
  )

const excerpt = (folder) => {
  const files = groups
    .filter((group) => !missing[folder]?.includes(group))
    .map((group) => JSON.parse(readFileSync(new URL(`${folders[folder]}${group}.json`, source), "utf8")))
  const { apiKey, language, sdk, sdkVersion } = files[0]
  const headers = headerSets(folder, files.flatMap(({ records }) => records))
  const head = { sdk, sdkVersion, language, apiKey, headers }
  const records = files.flatMap(({ group, records }) => records.map((record) => keepRecord(group, record)))
  const lines = records.map((record) => `    ${JSON.stringify(record)}`).join(",\n")
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "records": [\n${lines}\n  ]\n}\n`
}

if (!existsSync(source)) {
  console.error(`there are no recordings at ${source.pathname}`)
  process.exit(1)
}

for (const folder of Object.keys(folders)) {
  const file = new URL(`${folder}.json`, target)
  const wanted = excerpt(folder)
  if (!process.argv.includes("--check")) writeFileSync(file, wanted)
  else if (readFileSync(file, "utf8") !== wanted) {
    console.error(`${file.pathname} is out of date: run node scripts/transcripts.mjs`)
    process.exitCode = 1
  }
}
