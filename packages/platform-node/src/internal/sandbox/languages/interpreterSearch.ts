/**
 * Finds the interpreters of this machine. One in /usr is visible in every sandbox and readable by every user, so it needs no
 * trial; any other is asked for its folders and then tried in a real sandbox.
 */
import * as Effect from "effect/Effect"
import { Buffer } from "node:buffer"
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { readText } from "../../readText.js"
import type { Confined, Confinement } from "../confine/candidates.js"
import { reachableByAnyone } from "../confine/hostIdentity.js"
import { type Available, type Interpreters, type Missing, missing, nodeOnly } from "../confine/interpreters.js"
import { onPath } from "../confine/programs.js"
import { trial } from "../trial.js"

/** The output of a program, empty where it fails. It gets only PATH and HOME of this process's environment. */
const run = (program: string, args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.async<string>((resume) => {
    const env = { PATH: process.env.PATH ?? "", HOME: Os.homedir(), LANG: "C.UTF-8" }
    const child = execFile(
      program,
      [...args],
      { env, cwd: "/", timeout: 10_000 },
      (error, stdout, stderr) => resume(Effect.succeed(error === null ? stdout + stderr : ""))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const isScript = (path: string): boolean => {
  const file = Fs.openSync(path, "r")
  try {
    const start = Buffer.alloc(2)
    Fs.readSync(file, start)
    return start.toString("latin1") === "#!"
  } finally {
    Fs.closeSync(file)
  }
}

/** What programs have answered in this process: to ask them for each of many servers would take up to a second each. */
const answers = new Map<string, string>()

/** The output of a program. It is known for a file that has answered before; a script's answer may depend on other files. */
const outputOf = (program: string, args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.suspend(() => {
    if (isScript(program)) return run(program, args)
    const { ino, mtimeMs, size } = Fs.statSync(program)
    const key = JSON.stringify([program, ino, mtimeMs, size, args])
    const known = answers.get(key)
    if (known !== undefined) return Effect.succeed(known)
    return Effect.tap(run(program, args), (output) => {
      if (output !== "") answers.set(key, output)
      return Effect.void
    })
  })

const realPath = (path: string) => Fs.realpathSync(path)

const isSystem = (path: string) => path.startsWith("/usr/")

/** Whether a folder holds more than an interpreter: binding it would expose unrelated files to the sandbox. */
const isSharedFolder = (folder: string): boolean => {
  const own = [Os.homedir(), Path.join(Os.homedir(), ".local"), process.cwd()].map((path) => `${path}/`)
  const shared = ["/", "/opt", "/home", "/root", "/srv", "/var", "/etc", "/tmp", "/run", "/mnt", "/media"]
  return shared.includes(folder) || own.some((path) => path.startsWith(`${folder}/`))
}

const outside = (folders: ReadonlyArray<string>) => [...new Set(folders)].filter((folder) => !isSystem(`${folder}/`))

const found = (path: string, version: string, folders: ReadonlyArray<string>): Available => ({
  _tag: "Available",
  path,
  version,
  folders: outside(folders)
})

/** Examines a candidate; undefined where it is not usable. */
type Examine = (candidate: string) => Effect.Effect<Available | undefined>

const pythonCode = "import sys; print(sys.executable, sys.prefix, sys.base_prefix, sys.version.split()[0], sep='\\n')"

/** In a virtual environment the program is a link to the base interpreter, and needs the folders of both. */
const python: Examine = (candidate) =>
  Effect.gen(function*() {
    if (isSystem(candidate) && isSystem(realPath(candidate)) && !isScript(candidate)) {
      const version = (yield* outputOf(candidate, ["-V"])).trim().split(" ")[1]
      return version?.startsWith("3.") === true ? found(candidate, version, []) : undefined
    }
    const [path, prefix, base, version] = (yield* outputOf(candidate, ["-I", "-c", pythonCode])).trim().split("\n")
    if (path === undefined || prefix === undefined || base === undefined || version === undefined) return undefined
    return found(path, version, [prefix, base, Path.dirname(Path.dirname(realPath(path)))])
  })

const minJavaVersion = 17

const javaHome = (candidate: string): Effect.Effect<string> => {
  const real = realPath(candidate)
  const home = Path.dirname(Path.dirname(real))
  return !isScript(real) && Fs.existsSync(Path.join(home, "release"))
    ? Effect.succeed(home)
    : Effect.map(
      outputOf(candidate, ["-XshowSettings:properties", "-version"]),
      (text) => /^\s*java\.home = (.+)$/m.exec(text)?.[1] ?? ""
    )
}

/** The release file lists the modules of a runtime; jdk.jshell is needed to run snippets. */
const java: Examine = (candidate) =>
  Effect.map(javaHome(candidate), (home) => {
    const release = readText(Path.join(home, "release")) ?? ""
    const version = /^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1] ?? ""
    const modules = /^MODULES="([^"]*)"/m.exec(release)?.[1] ?? ""
    const isUsable = parseInt(version) >= minJavaVersion && modules.split(" ").includes("jdk.jshell")
    return isUsable ? found(Path.join(home, "bin", "java"), version, [home]) : undefined
  })

/** R is installed in <prefix>/lib/R, or in a folder of its own. */
const r: Examine = (candidate) =>
  Effect.gen(function*() {
    const version = /version (\d+\.\d+\.\d+)/.exec(yield* outputOf(candidate, ["--version"]))?.[1]
    if (version === undefined) return undefined
    const real = realPath(candidate)
    if (isSystem(real) && !isScript(real)) return found(candidate, version, [])
    const home = (yield* outputOf(Path.join(Path.dirname(real), "R"), ["RHOME"])).trim()
    if (!Path.isAbsolute(home)) return undefined
    return found(candidate, version, [home.replace(/\/lib(64)?\/R$/, ""), Path.dirname(Path.dirname(real))])
  })

type Searched = "python" | "java" | "r"

const searches: Readonly<Record<Searched, { program: string; examine: Examine; quick: ReadonlyArray<string> }>> = {
  python: { program: "python3", examine: python, quick: ["-c", "pass"] },
  java: { program: "java", examine: java, quick: ["-version"] },
  r: { program: "Rscript", examine: r, quick: ["--version"] }
}

/** Includes the real paths of folders, since links inside them may point there. */
const withRealFolders = (it: Available): Available => ({
  ...it,
  folders: outside(it.folders.flatMap((folder) => Fs.existsSync(folder) ? [folder, realPath(folder)] : []))
})

const hasOwnRoot = (how: Confinement): how is Confined => how._tag === "Bwrap" || how._tag === "Unshare"

/** Whether it starts in a sandbox, with the user and files of a session. */
const runsInside = (how: Confinement, language: Searched, it: Available): Effect.Effect<boolean> => {
  if (!hasOwnRoot(how) || (it.folders.length === 0 && isSystem(realPath(it.path)))) return Effect.succeed(true)
  const program = [it.path, ...searches[language].quick]
  return Effect.map(trial(how, { ...nodeOnly, [language]: it }, program), (complaint) => complaint === undefined)
}

/** Examining takes up to a second, so candidates that the sandbox's user cannot reach are skipped. */
const isReachable = (how: Confinement, candidate: string) =>
  how._tag === "Unconfined" || how.entry !== "dropped" || reachableByAnyone(candidate)

const search = (how: Confinement, language: Searched): Effect.Effect<Available | Missing> =>
  Effect.gen(function*() {
    const { examine, program } = searches[language]
    const candidates = onPath(program)
    for (const candidate of candidates.filter((candidate) => isReachable(how, candidate))) {
      const examined = yield* examine(candidate).pipe(Effect.catchAllDefect(() => Effect.succeed(undefined)))
      if (examined === undefined) continue
      const it = withRealFolders(examined)
      if (how._tag !== "Unconfined" && it.folders.some(isSharedFolder)) continue
      if (yield* runsInside(how, language, it)) return it
    }
    return missing(language, candidates.length === 0 ? "not found" : "found, but not fit for a sandbox")
  })

/** Finds, for each language, the first interpreter on PATH that works in a sandbox with this confinement. */
export const findInterpreters = (how: Confinement): Effect.Effect<Interpreters> =>
  Effect.all({
    python: search(how, "python"),
    javascript: Effect.succeed(nodeOnly.javascript),
    java: search(how, "java"),
    r: search(how, "r")
  }, { concurrency: "unbounded" })
