/**
 * The Java kernel prepared for a fast start: compiled, and with a class data sharing (CDS) archive of the classes that it
 * and JShell load, which halves its start-up time. It is built once per user and Java version, when Java code first runs,
 * and kept in a cache that sandboxes can read but not write.
 */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { encodeFields } from "../../agentWire/fields.js"
import { javaArchiveName, javaOptions } from "../../agentWire/javaKernel.js"
import { findAgent } from "../confine/agentFolder.js"
import type { Available, Missing } from "../confine/interpreters.js"

export interface JavaArchive {
  /** The folder that sandboxes bind; empty until the archive is built. */
  readonly folder: string | undefined
  /** Builds it in the background, unless it exists. */
  readonly prepare: () => void
}

/** Programs that somebody waits for come first, but even on a busy machine the build gets its turns. */
const buildNiceness = 5

class BuildError extends Data.TaggedError("BuildError")<{ readonly reason: string }> {}

/** Code that uses what most programs use, so that its classes are in the archive. */
const trainingCode = [
  "int twice(int x) {\n  return x * 2;\n}\nrecord Point(int x, String y) {}",
  "var list = new ArrayList<>(List.of(twice(1), 2, 3)); Map<String, Integer> map = new HashMap<>(); map.put(\"a\", 1);",
  "System.out.println(list.stream().map(x -> x + 1).collect(Collectors.toList())); String.format(\"%d %.2f\", 1, 2.0)",
  "for (int i = 0; i < 3; i++) { System.err.print(i); }\nnew Point(1, \"two\")",
  "int wrong = \"text\";",
  "throw new IllegalStateException(\"no\");"
]

/** Writable by this user only. That of root is in /var/cache, where the user ids of its sandboxes can reach it. */
const cacheFolder = (): string => {
  if (process.getuid?.() === 0) return "/var/cache/effect-agb"
  const { XDG_CACHE_HOME: cache } = process.env
  return Path.join(
    cache !== undefined && Path.isAbsolute(cache) ? cache : Path.join(Os.homedir(), ".cache"),
    "effect-agb"
  )
}

const keyOf = ({ path, version }: Available, source: string): string => {
  const parts = [Fs.readFileSync(source), path, version, process.arch, ...javaOptions, ...trainingCode]
  const hash = Crypto.createHash("sha256")
  for (const part of [...parts, Fs.statSync(Fs.realpathSync(path)).mtimeMs.toString()]) hash.update(part).update("\0")
  return hash.digest("hex").slice(0, 16)
}

const ownFolder = (java: Available, source: string, cache: string): string => {
  const folder = Path.join(cache, `java-${keyOf(java, source)}`)
  for (const path of [cache, folder]) {
    Fs.mkdirSync(path, { recursive: true, mode: 0o755 })
    const { mode, uid } = Fs.lstatSync(path)
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw new Error(`${path} could be changed by others`)
  }
  return folder
}

/** Runs the host's Java with an empty environment. */
const runJava = (
  java: Available,
  args: ReadonlyArray<string>,
  descriptors: ReadonlyArray<number> = []
): Effect.Effect<void, BuildError> =>
  Effect.async<void, BuildError>((resume) => {
    const child = spawn(java.path, [...args], {
      env: {},
      cwd: "/",
      stdio: ["ignore", "ignore", "ignore", ...descriptors]
    })
    const fail = (reason: string) => resume(new BuildError({ reason }))
    child.once("error", (error) => fail(error.message))
    child.once("exit", (code, signal) => code === 0 ? resume(Effect.void) : fail(`java ended with ${code ?? signal}`))
    if (child.pid !== undefined) Os.setPriority(child.pid, buildNiceness)
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const opened = (path: string, flags: string) =>
  Effect.acquireRelease(Effect.sync(() => Fs.openSync(path, flags)), (fd) => Effect.sync(() => Fs.closeSync(fd)))

/** Lists the classes that a kernel loads, except its own and those that it generates. */
const listClasses = (java: Available, folder: string): Effect.Effect<string, BuildError> =>
  Effect.scoped(Effect.gen(function*() {
    const [all, list, requests] = ["all", "list", "requests"].map((name) => Path.join(folder, name)) as [
      string,
      string,
      string
    ]
    const runs = trainingCode.map((code, index) => encodeFields(["run", index + 1, 0, 100_000, code]))
    Fs.writeFileSync(requests, runs.join(""))
    const descriptors = [yield* opened(requests, "r"), yield* opened("/dev/null", "w"), yield* opened("/dev/null", "r")]
    const dump = ["-Xshare:off", `-XX:DumpLoadedClassList=${all}`]
    yield* runJava(java, [...javaOptions, ...dump, "-cp", folder, "Kernel"], descriptors)
    const own = /Kernel|REPL/
    Fs.writeFileSync(list, Fs.readFileSync(all, "utf8").split("\n").filter((line) => !own.test(line)).join("\n"))
    return list
  }))

/** Moves the archive last: its presence means that the folder is complete. */
const publish = (from: string, to: string): void => {
  const names = [...Fs.readdirSync(from).filter((name) => name.endsWith(".class")), javaArchiveName]
  for (const name of names) {
    Fs.chmodSync(Path.join(from, name), 0o644)
    Fs.renameSync(Path.join(from, name), Path.join(to, name))
  }
}

/** Removes builds that a killed process left behind. */
const sweep = (cache: string): void => {
  for (const name of Fs.readdirSync(cache).filter((name) => name.startsWith("build-"))) {
    const path = Path.join(cache, name)
    if (Date.now() - Fs.statSync(path).mtimeMs > 600_000) Fs.rmSync(path, { recursive: true, force: true })
  }
}

const temporary = (cache: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      sweep(cache)
      return Fs.mkdtempSync(Path.join(cache, "build-"))
    }),
    (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
  )

const build = (java: Available, source: string, folder: string): Effect.Effect<void, BuildError> =>
  Effect.scoped(Effect.gen(function*() {
    if (Fs.existsSync(Path.join(folder, javaArchiveName))) return
    const made = yield* temporary(Path.dirname(folder))
    const compiler = ["-m", "jdk.compiler/com.sun.tools.javac.Main", "-XDstringConcat=inline", "-proc:none"]
    yield* runJava(java, [...compiler, "-d", made, source])
    const list = yield* listClasses(java, made)
    const archive = `-XX:SharedArchiveFile=${Path.join(made, javaArchiveName)}`
    yield* runJava(java, [...javaOptions, "-Xshare:dump", `-XX:SharedClassListFile=${list}`, archive, "-cp", ""])
    publish(made, folder)
  }))

const none: JavaArchive = { folder: undefined, prepare: () => {} }

/** Without a usable cache folder, kernels start unprepared. A build is cancelled and removed with the scope. */
export const make = (
  java: Available | Missing,
  cache: string = cacheFolder()
): Effect.Effect<JavaArchive, never, Scope.Scope> =>
  Effect.gen(function*() {
    if (java._tag === "Missing" || process.platform !== "linux") return none
    const { javaKernel } = yield* findAgent()
    const folder = yield* Effect.try(() => ownFolder(java, javaKernel, cache))
    const wanted = yield* Deferred.make<void>()
    yield* Deferred.await(wanted).pipe(
      Effect.zipRight(build(java, javaKernel, folder)),
      Effect.catchAllCause((cause) => Effect.logDebug("The Java kernel could not be made ready", cause)),
      Effect.forkScoped
    )
    return { folder, prepare: () => Deferred.unsafeDone(wanted, Effect.void) }
  }).pipe(Effect.catchAll((error) => Effect.as(Effect.logDebug("The Java kernel has no cache", error), none)))
