/**
 * Finding the interpreters of this machine. What lies in /usr is there in every sandbox and readable by every user, so it
 * needs no trial; anything else is asked where it lives and then run in a real sandbox before it is believed.
 */
import * as Effect from "effect/Effect"
import { Buffer } from "node:buffer"
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import type { Confined, Confinement } from "../confine/candidates.js"
import { reachableByAnyone } from "../confine/hostIdentity.js"
import { type Available, type Interpreters, type Missing, missing, nodeOnly } from "../confine/interpreters.js"
import { onPath } from "../confine/programs.js"
import { trial } from "../trial.js"

/** What a program says about itself, empty where it fails; it sees no variable of this process but PATH and HOME. */
const ask = (program: string, args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.async<string>((resume) => {
    const env = { PATH: process.env.PATH ?? "", HOME: Os.homedir(), LANG: "C.UTF-8" }
    const child = execFile(program, [...args], { env, cwd: "/", timeout: 10_000 }, (error, stdout, stderr) =>
      resume(Effect.succeed(error === null ? stdout + stderr : "")))
    return Effect.sync(() =>
      child.kill("SIGKILL")
    )
  })

const textOf = (path: string): string => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

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

const realPath = (path: string) => Fs.realpathSync(path)

const isSystem = (path: string) => path.startsWith("/usr/")

/** Folders that hold more than an interpreter: binding one would show the sandbox what is none of its business. */
const holdsMore = (folder: string): boolean => {
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

/** One way of asking a candidate; undefined where it is not what it seems. */
type Examine = (candidate: string) => Effect.Effect<Available | undefined>

const pythonCode = "import sys; print(sys.executable, sys.prefix, sys.base_prefix, sys.version.split()[0], sep='\\n')"

/** In a virtual environment the program links to another one, and needs the folders of both. */
const python: Examine = (candidate) =>
  Effect.gen(function*() {
    if (isSystem(candidate) && isSystem(realPath(candidate)) && !isScript(candidate)) {
      const version = (yield* ask(candidate, ["-V"])).trim().split(" ")[1]
      return version?.startsWith("3.") === true ? found(candidate, version, []) : undefined
    }
    const [path, prefix, base, version] = (yield* ask(candidate, ["-I", "-c", pythonCode])).trim().split("\n")
    if (path === undefined || prefix === undefined || base === undefined || version === undefined) return undefined
    return found(path, version, [prefix, base, Path.dirname(Path.dirname(realPath(path)))])
  })

const oldestJava = 17

const javaHome = (candidate: string): Effect.Effect<string> => {
  const real = realPath(candidate)
  const home = Path.dirname(Path.dirname(real))
  return !isScript(real) && Fs.existsSync(Path.join(home, "release"))
    ? Effect.succeed(home)
    : Effect.map(
      ask(candidate, ["-XshowSettings:properties", "-version"]),
      (text) => /^\s*java\.home = (.+)$/m.exec(text)?.[1] ?? ""
    )
}

/** The release file names the modules of a runtime; one without jdk.jshell cannot run snippets. */
const java: Examine = (candidate) =>
  Effect.map(javaHome(candidate), (home) => {
    const release = textOf(Path.join(home, "release"))
    const version = /^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1] ?? ""
    const modules = /^MODULES="([^"]*)"/m.exec(release)?.[1] ?? ""
    const isEnough = parseInt(version) >= oldestJava && modules.split(" ").includes("jdk.jshell")
    return isEnough ? found(Path.join(home, "bin", "java"), version, [home]) : undefined
  })

/** R is installed as <prefix>/lib/R or, by some, as one folder of its own. */
const r: Examine = (candidate) =>
  Effect.gen(function*() {
    const version = /version (\d+\.\d+\.\d+)/.exec(yield* ask(candidate, ["--version"]))?.[1]
    if (version === undefined) return undefined
    const real = realPath(candidate)
    if (isSystem(real) && !isScript(real)) return found(candidate, version, [])
    const home = (yield* ask(Path.join(Path.dirname(real), "R"), ["RHOME"])).trim()
    if (!Path.isAbsolute(home)) return undefined
    return found(candidate, version, [home.replace(/\/lib(64)?\/R$/, ""), Path.dirname(Path.dirname(real))])
  })

type Searched = "python" | "java" | "r"

const searches: Readonly<Record<Searched, { program: string; examine: Examine; quick: ReadonlyArray<string> }>> = {
  python: { program: "python3", examine: python, quick: ["-c", "pass"] },
  java: { program: "java", examine: java, quick: ["-version"] },
  r: { program: "Rscript", examine: r, quick: ["--version"] }
}

/** A link into the folder is what is bound, so it must be named by its real path as well. */
const withRealFolders = (it: Available): Available => ({
  ...it,
  folders: outside(it.folders.flatMap((folder) => Fs.existsSync(folder) ? [folder, realPath(folder)] : []))
})

const hasOwnRoot = (how: Confinement): how is Confined => how._tag === "Bwrap" || how._tag === "Unshare"

/** Whether it starts inside: as the user and with the files that it will have there. */
const runsInside = (how: Confinement, language: Searched, it: Available): Effect.Effect<boolean> => {
  if (!hasOwnRoot(how) || (it.folders.length === 0 && isSystem(realPath(it.path)))) return Effect.succeed(true)
  const program = [it.path, ...searches[language].quick]
  return Effect.map(trial(how, { ...nodeOnly, [language]: it }, program), (complaint) => complaint === undefined)
}

/** Asking takes up to a second, so what the sandbox's user could not come to anyway is not asked. */
const isWorthAsking = (how: Confinement, candidate: string) =>
  how._tag === "Unconfined" || how.entry !== "dropped" || reachableByAnyone(candidate)

const search = (how: Confinement, language: Searched): Effect.Effect<Available | Missing> =>
  Effect.gen(function*() {
    const { examine, program } = searches[language]
    const candidates = onPath(program)
    for (const candidate of candidates.filter((candidate) => isWorthAsking(how, candidate))) {
      const examined = yield* examine(candidate).pipe(Effect.catchAllDefect(() => Effect.succeed(undefined)))
      if (examined === undefined) continue
      const it = withRealFolders(examined)
      if (how._tag !== "Unconfined" && it.folders.some(holdsMore)) continue
      if (yield* runsInside(how, language, it)) return it
    }
    return missing(language, candidates.length === 0 ? "not found" : "found, but not fit for a sandbox")
  })

/** Finds, for each language, the first interpreter on the PATH that works in a sandbox confined like this. */
export const findInterpreters = (how: Confinement): Effect.Effect<Interpreters> =>
  Effect.all({
    python: search(how, "python"),
    javascript: Effect.succeed(nodeOnly.javascript),
    java: search(how, "java"),
    r: search(how, "r")
  }, { concurrency: "unbounded" })
