// Enforces the layering of the packages; type imports count.
//
//     node scripts/layering.mjs [folder ...]
//
// It fails on an import that points to a higher floor or out of its source folder, on two neighbouring folders that import
// each other, and on a cycle of files.
import * as Fs from "node:fs"
import { dirname, extname, join, relative, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

/**
 * The floors of each source folder, from the lowest up. A floor lists rooms: folders with all that is below them, or files
 * without extension; of several that fit the longest counts. Every file needs a floor. An import may point down or, without
 * a cycle, to another room of its own floor.
 */
const layers = {
  "packages/core/src": [
    ["internal/wire"],
    ["internal/errors"],
    ["AgbError", "AgbConfig", "AgbApi", "AgbTools", "CreateSessionParams", "Images", "SessionRef"],
    ["internal/client"],
    ["Transport", "AgbClient", "AgbServer", "Guardian", "Program", "ToolCall"],
    ["internal/lifecycle"],
    ["internal/session"],
    ["Code", "Command", "FileSystem", "Process", "RichResult", "Terminal"],
    ["internal/session/session"],
    ["Agb"],
    ["Contexts", "Session", "OperationResult", "internal/session/transfer", "internal/session/platform"],
    ["ContextStore", "TerminalSocket"],
    ["SessionPool", "SessionPlatform", "Transfer"],
    ["internal/contract", "internal/testing"],
    ["AgbContract", "AgbTest"],
    ["internal/promise"],
    ["AgbPromise"],
    ["index"]
  ],
  "packages/platform-node/src": [
    [
      "internal/agentWire",
      "internal/fifoSemaphore",
      "internal/node",
      "internal/ownScope",
      "internal/pageWire",
      "internal/readText"
    ],
    ["internal/egress"],
    ["internal/sandbox"],
    ["internal/server"],
    ["internal/contexts", "internal/forward"],
    ["internal/options"],
    ["internal/guardian", "internal/localRuntime"],
    ["Isolation", "NodeAgb"],
    ["LocalAgb"],
    ["internal/cli", "internal/compat", "internal/promise"],
    ["AgbPromise", "compat"],
    ["LocalProgram"],
    ["bin"],
    ["index"]
  ],
  "packages/platform-node/src/internal/sandbox": [
    ["channel"],
    ["disk", "process"],
    ["memory"],
    ["confine"],
    ["trial", "launchPlan", "requirements"],
    ["isolationProbe"],
    ["languages"],
    ["sandbox"],
    ["pool"]
  ],
  "packages/platform-node/src/internal/guardian": [
    ["messages", "guardianError"],
    ["program", "guardianProcess"],
    ["guardian"]
  ],
  "packages/platform-node/src/internal/server": [["http"], ["timeline"], ["sessions"], ["routes"], ["page"]],
  "packages/platform-node/src/internal/contexts": [
    ["store"],
    ["sync", "signedUrls", "preconditions"],
    ["contextHandlers", "fileRoute"],
    ["contexts"]
  ],
  "packages/cluster/src": [
    ["internal"],
    ["AgbWorkflow", "AgbEntity", "AgbEngine", "AgbHosts", "AgbQuota", "AgbSweeper"],
    ["index"]
  ],
  "packages/ai/src": [
    ["internal/firstSuccess"],
    ["internal/paths", "internal/keptSession"],
    ["internal/tools"],
    ["AgbToolkit"],
    ["internal/mcp", "internal/sandbox"],
    ["AgbMcp", "AiSdk", "ComputeSdk", "OpenAiAgents"],
    ["index"]
  ],
  "packages/cli/src": [
    ["output"],
    ["failure"],
    ["arguments", "session"],
    ["commands"],
    ["app"],
    ["main"],
    ["bin"]
  ],
  "packages/platform-node/page": [
    ["wire", "text"],
    ["state"],
    ["parts"],
    ["timeline", "files", "processes", "terminal"],
    ["session", "runtime"],
    ["main"]
  ],
  "packages/platform-node/agent": [
    ["wire", "log"],
    ["files"],
    ["process"],
    ["watch", "network", "kernels"],
    ["dispatch"],
    ["main"],
    ["loader"]
  ]
}

/** Imports that may leave their source folder. */
const shared = {
  "packages/platform-node/agent": ["packages/platform-node/src/internal/agentWire"],
  "packages/platform-node/page": ["packages/platform-node/src/internal/pageWire"]
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..")

const isWithin = (path, folder) => path === folder || path.startsWith(`${folder}/`)

const sourcesIn = (folder) =>
  Fs.readdirSync(join(root, folder), { recursive: true })
    .filter((name) => /\.(tsx?|mts|cjs|mjs)$/.test(name) && !name.endsWith(".d.ts"))
    .map((name) => `${folder}/${name.split(sep).join("/")}`)

/** Relative specifiers, those of type imports in comments of JavaScript included. */
const specifiersOf = (file) => {
  const text = Fs.readFileSync(join(root, file), "utf8")
  const found = extname(file) === ".cjs"
    ? [...text.matchAll(/\b(?:require|import)\(\s*"([^"]+)"/g)].map(([, specifier]) => specifier)
    : ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)
  return found.filter((specifier) => specifier.startsWith("."))
}

const resolved = (file, specifier) => {
  const path = relative(root, resolve(root, dirname(file), specifier)).split(sep).join("/")
  const candidates = [
    path,
    path.replace(/\.js$/, ".ts"),
    path.replace(/\.js$/, ".tsx"),
    path.replace(/\.mjs$/, ".mts"),
    path.replace(/\.cjs$/, ".cts")
  ]
  return candidates.find((candidate) => Fs.existsSync(join(root, candidate)))
}

/** Every file with the files that it imports. */
const graphOf = (folders) =>
  new Map(
    [...new Set(folders.flatMap(sourcesIn))].map((file) => [
      file,
      [
        ...new Set(
          specifiersOf(file).map((specifier) => resolved(file, specifier)).filter((path) => path !== undefined)
        )
      ]
    ])
  )

const floorIn = (folder, file) => {
  const name = file.slice(folder.length + 1).replace(/\.[^.]+$/, "")
  const rooms = layers[folder].flatMap((floor, level) => floor.map((room) => ({ room, level })))
  const fitting = rooms.filter(({ room }) => isWithin(name, room)).sort((a, b) => b.room.length - a.room.length)
  return fitting[0]?.level
}

const floorErrors = (folder, graph) =>
  [...graph].filter(([file]) => isWithin(file, folder)).flatMap(([file, imports]) => {
    const from = floorIn(folder, file)
    if (from === undefined) return [`${file}: has no floor in the table of ${folder}`]
    return imports.filter((target) => isWithin(target, folder)).flatMap((target) => {
      const to = floorIn(folder, target)
      return to !== undefined && to > from ? [`${file} -> ${target}: points up`] : []
    })
  })

/** The outermost source folder of a file. */
const homeOf = (file) =>
  Object.keys(layers).filter((folder) => isWithin(file, folder)).sort((a, b) => a.length - b.length)[0]

const escapes = (graph) =>
  [...graph].flatMap(([file, imports]) => {
    const home = homeOf(file)
    return imports
      .filter((target) => ![home, ...(shared[home] ?? [])].some((folder) => isWithin(target, folder)))
      .map((target) => `${file} -> ${target}: leaves ${home}`)
  })

/** The two children of one folder between which an import runs. */
const neighboursOf = (file, target) => {
  const [from, to] = [file.split("/"), target.split("/")]
  const common = from.findIndex((part, index) => part !== to[index])
  return [from, to].map((parts) => parts.slice(0, common + 1).join("/"))
}

const pairErrors = (graph) => {
  const arrows = new Map()
  for (const [file, imports] of graph) {
    for (const target of imports) {
      const neighbours = neighboursOf(file, target)
      if (neighbours.includes(file) || neighbours.includes(target)) continue
      const key = neighbours.join(" ")
      arrows.set(key, [...(arrows.get(key) ?? []), `${file} -> ${target}`])
    }
  }
  return [...arrows].flatMap(([key, found]) => {
    const [one, other] = key.split(" ")
    const back = arrows.get(`${other} ${one}`)
    return back === undefined || one >= other
      ? []
      : [`${one} and ${other} import each other:\n    ${[...found, ...back].join("\n    ")}`]
  })
}

/** One cycle through each file that is on one, each cycle once. */
const cycleErrors = (graph) => {
  const cycles = new Map()
  const done = new Set()
  const visit = (file, path) => {
    const start = path.indexOf(file)
    if (start !== -1) {
      const cycle = path.slice(start)
      return void cycles.set([...cycle].sort().join(), `cycle: ${[...cycle, file].join(" -> ")}`)
    }
    if (done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return [...cycles.values()]
}

const wanted = process.argv.slice(2)
const folders = Object.keys(layers).filter((folder) =>
  Fs.existsSync(join(root, folder)) && (wanted.length === 0 || wanted.some((name) => isWithin(folder, name)))
)
const graph = graphOf(folders)
const errors = [
  ...folders.flatMap((folder) => floorErrors(folder, graph)),
  ...escapes(graph),
  ...pairErrors(graph),
  ...cycleErrors(graph)
]
for (const error of errors) console.error(error)
if (errors.length > 0) process.exitCode = 1
else console.log(`${graph.size} files in ${folders.length} source folders keep to their floors`)
