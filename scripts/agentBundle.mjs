// Builds packages/platform-node/dist/agent: the agent as one file of code with its code cache and `agent.cjs`, which loads
// both; the JavaScript kernel as three files, since it has a thread and seldom needs its parser; the other kernels as they are. A build takes about 0.1 s,
// so it is repeated before each use instead of tracking what is out of date. Unchanged files are not touched.
import { buildSync } from "esbuild"
import { createHash } from "node:crypto"
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { Script } from "node:vm"
import { bundleGuardian } from "./programBundle.mjs"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const kernels = ["python", "r", "java"]

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())

const contentsOf = (file) => {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

const bundle = (source, entryPoints, inject = []) => {
  const { outputFiles } = buildSync({
    absWorkingDir: source,
    entryPoints,
    inject,
    outbase: ".",
    outdir: source,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20",
    charset: "ascii",
    external: ["@swc/wasm-typescript"],
    tsconfigRaw: { compilerOptions: { alwaysStrict: true, verbatimModuleSyntax: true } },
    legalComments: "none",
    logLevel: "warning"
  })
  return new Map(outputFiles.map(({ path, text }) => [relative(source, path), text]))
}

/** For V8 to skip the compilation in `loader.ts`, which wraps the code in the same way. The one that is there is kept. */
const codeCache = (code, existing) => {
  const wrapped = `(function(require,__dirname){${code}\n})`
  const cachedData = contentsOf(existing)
  if (cachedData !== undefined && !new Script(wrapped, { cachedData }).cachedDataRejected) return cachedData
  return new Script(wrapped).createCachedData()
}

const bundles = (source) => {
  const kernel = ["kernel", "interruptThread", "parsing"].map((name) => `kernels/javascript/${name}.ts`)
  return [...bundle(source, ["loader.ts", "main.ts"]), ...bundle(source, kernel, ["kernels/javascript/ownGlobals.ts"])]
}

/** Names and contents, `agent.cjs` last: it names the files that belong to it. */
const outputs = (source, target) => {
  const { "loader.cjs": loader, "main.cjs": code, ...kernel } = Object.fromEntries(bundles(source))
  const build = createHash("sha256").update(code).digest("hex").slice(0, 16)
  const cache = `code-${build}.${process.versions.v8}.cache`
  return [
    ...copies(source),
    // The licence of what the parser of the JavaScript kernel contains.
    ["kernels/javascript/acorn.copyright", readFileSync(join(source, "..", "node_modules", "acorn", "LICENSE"))],
    ...Object.entries(kernel),
    [`code-${build}.cjs`, code],
    [cache, codeCache(code, join(target, cache))],
    ["agent.cjs", loader.replace("@build@", build)]
  ]
}

const copies = (source) =>
  kernels.flatMap((name) => filesBelow(join(source, "kernels", name)))
    .filter((file) => /\.(?:py|R|java)$/.test(file))
    .map((file) => [relative(source, file), readFileSync(file)])

/** Atomic, because agents may be started, or built by another process, at the same time. */
const place = (file, contents, temporary) => {
  mkdirSync(dirname(file), { recursive: true })
  if (contentsOf(file)?.equals(contents)) return
  writeFileSync(temporary, contents)
  renameSync(temporary, file)
}

/** Sandboxes read the files as another user, whatever the umask of this process. */
const allowAll = (path) => {
  const wanted = statSync(path).isDirectory() ? 0o755 : 0o644
  if ((statSync(path).mode & 0o777) !== wanted) chmodSync(path, wanted)
}

export const buildAgent = () => {
  const source = join(root, "packages", "platform-node", "agent")
  const target = join(root, "packages", "platform-node", "dist", "agent")
  const files = new Map(outputs(source, target).map(([name, contents]) => [join(target, name), Buffer.from(contents)]))
  for (const [file, contents] of files) place(file, contents, `${target}.${process.pid}`)
  for (const file of filesBelow(target)) if (!files.has(file)) rmSync(file, { force: true })
  for (const name of ["", ...readdirSync(target, { recursive: true })]) allowAll(join(target, name))
}

/** The thread of the server that encodes large replies: from its sources it could not be started. */
export const buildReplyWorker = () => {
  const folder = join(root, "packages", "platform-node")
  const { outputFiles: [{ contents }] } = buildSync({
    absWorkingDir: folder,
    entryPoints: ["src/internal/server/sessions/replyWorker.ts"],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["effect"],
    legalComments: "none",
    logLevel: "warning"
  })
  const file = join(folder, "dist", "replyWorker.mjs")
  place(file, Buffer.from(contents), `${file}.${process.pid}`)
}

const build = async () => {
  buildAgent()
  buildReplyWorker()
  await bundleGuardian()
}

/** The global setup of the tests. */
export const setup = build

if (process.argv[1] === fileURLToPath(import.meta.url)) await build()
