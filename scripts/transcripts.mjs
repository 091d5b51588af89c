// Writes packages/core/test/transcripts/*.json: what the tests need of the recorded exchanges of the official SDKs, which
// lie beside the repository in ../shared/protocol/transcripts. With --check it writes nothing and fails if a file is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs"

const source = new URL("../../shared/protocol/transcripts/", import.meta.url)
const target = new URL("../packages/core/test/transcripts/", import.meta.url)
const folders = { typescript: "", python: "python/", "python-v0.2.2": "python-v0.2.2/" }
const groups = ["session", "list", "labels", "code", "command", "filesystem", "tools", "errors"]
const missing = { "python-v0.2.2": ["list", "labels", "tools"] }

const operations = new Set([
  ...["createSession", "releaseSession", "releaseSessionAsync", "getSession", "getSessionInfo", "getMcpResource"],
  ...["refreshSessionIdleTime", "listTools", "getLink", "ListSession", "SetLabel", "GetLabel"]
])

const isKept = (operation) => operations.has(operation) || operation.startsWith("mcp:")

const keepRequest = ({ body, bodyPresent, method, path, query }) => ({
  method,
  path,
  query,
  body,
  ...(bodyPresent === undefined ? {} : { bodyPresent })
})

/** Of an exchange that this SDK has no part in only its place in the recording is kept, so that none gets lost. */
const keepRecord = (group, { call, callId, clientSaw, operation, request, response, step, steps }) => ({
  group,
  operation,
  callId,
  call,
  step,
  steps,
  ...(isKept(operation) ? { request: keepRequest(request), response } : {}),
  ...(clientSaw === undefined ? {} : { clientSaw })
})

const oneHeaderSet = (folder, records) => {
  const sets = new Set(records.filter(({ request }) => request).map(({ request }) => JSON.stringify(request.headers)))
  if (sets.size !== 1) throw new Error(`${folder}: ${sets.size} sets of request headers`)
  return JSON.parse([...sets][0])
}

const excerpt = (folder) => {
  const files = groups
    .filter((group) => !missing[folder]?.includes(group))
    .map((group) => JSON.parse(readFileSync(new URL(`${folders[folder]}${group}.json`, source), "utf8")))
  const { apiKey, language, sdk, sdkVersion } = files[0]
  const head = {
    sdk,
    sdkVersion,
    language,
    apiKey,
    headers: oneHeaderSet(folder, files.flatMap(({ records }) => records))
  }
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
