// Builds packages/platform-node/dist/agent: the agent as one file, the JavaScript kernel as two (it runs a thread), and the
// other kernels beside them as they are. A build takes a tenth of a second, so it is repeated wherever the agent is about
// to be used instead of guessing whether it is up to date. Files that come out the same are not touched.
import { buildSync } from "esbuild"
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const kernels = ["python", "r", "java"]

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

/** Where the file belongs, and what is in it. */
const bundles = (source, target) =>
  buildSync({
    absWorkingDir: source,
    entryPoints: {
      agent: "main.ts",
      "kernels/javascript/kernel": "kernels/javascript/kernel.ts",
      "kernels/javascript/interruptThread": "kernels/javascript/interruptThread.ts"
    },
    outdir: target,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["@swc/wasm-typescript"],
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    legalComments: "none",
    logLevel: "warning"
  }).outputFiles.map(({ contents, path }) => [path, contents])

const copies = (source, target) =>
  kernels.flatMap((name) => filesBelow(join(source, "kernels", name)))
    .filter((file) => /\.(?:py|R|java)$/.test(file))
    .map((file) => [join(target, relative(source, file)), readFileSync(file)])

const isSame = (file, contents) => {
  try {
    return readFileSync(file).equals(contents)
  } catch {
    return false
  }
}

/** In one step, since agents may start from the file while it is built again. */
const place = (file, contents) => {
  mkdirSync(dirname(file), { recursive: true })
  if (isSame(file, contents)) return
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, contents)
  renameSync(temporary, file)
}

/** Sandboxes read the files as a user who owns nothing, whatever the umask of the builder. */
const allowAll = (path) => {
  const wanted = statSync(path).isDirectory() ? 0o755 : 0o644
  if ((statSync(path).mode & 0o777) !== wanted) chmodSync(path, wanted)
}

export const buildAgent = () => {
  const source = join(root, "packages", "platform-node", "agent")
  const target = join(root, "packages", "platform-node", "dist", "agent")
  const files = new Map([...bundles(source, target), ...copies(source, target)])
  for (const [file, contents] of files) place(file, Buffer.from(contents))
  for (const file of filesBelow(target)) if (!files.has(file)) rmSync(file, { force: true })
  for (const name of ["", ...readdirSync(target, { recursive: true })]) allowAll(join(target, name))
}

/** For Vitest, before the tests of a package. */
export const setup = () => buildAgent()

if (process.argv[1] === fileURLToPath(import.meta.url)) buildAgent()
