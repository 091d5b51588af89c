import { type Agb, Session } from "@effect-agb/core"
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { layerWith, runtimes } from "../support/runtime.js"

const secret = `a secret of the host ${process.pid}`

/** A file of the host that this user may read and write, and nobody inside may. */
const outside = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-outside-"))
    Fs.chmodSync(folder, 0o777)
    Fs.writeFileSync(Path.join(folder, "secret"), secret, { mode: 0o666 })
    return folder
  }),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
)

const spellings = (home: string, tmp: string, target: string): ReadonlyArray<string> => {
  const up = "../".repeat(12)
  const roots = [
    "/proc/1/root",
    "/proc/self/root",
    "/proc/thread-self/root",
    "/proc/self/task/1/root",
    "/proc/1/cwd",
    "/proc/self/cwd"
  ]
  return [
    target,
    ...[home, tmp, "/tmp", "/", "/usr/..", "/dev/fd/..", "/proc/self/fd/.."].map((from) =>
      `${from}/${up}${target.slice(1)}`
    ),
    ...["//", "///", "/./", "/.//"].map((slash) => slash + target.slice(1)),
    target.replaceAll("/", "//"),
    target.replaceAll("/", "/./"),
    `${home}/link`,
    `${home}/folder/secret`,
    `${home}/far/${target.slice(1)}`,
    `${home}/chain`,
    `${home}/folder/../${Path.basename(Path.dirname(target))}/secret`,
    ...roots.flatMap((root) => [`${root}${target}`, `${root}/${up}${target.slice(1)}`]),
    ...Array.from({ length: 20 }, (_, fd) => `/proc/self/fd/${fd}/${up}${target.slice(1)}`),
    ...Array.from({ length: 20 }, (_, pid) => `/proc/${pid + 1}/root${target}`),
    `/dev/fd/0/${up}${target.slice(1)}`,
    `/dev/shm/../..${target}`,
    `/${"./".repeat(1500)}${target.slice(1)}`,
    `/${"tmp/../".repeat(500)}${target.slice(1)}`
  ].filter((path) => path.length <= 4096)
}

/** What must be refused or not be found at once, whatever is asked of it. */
const oddities = (home: string) => [
  `${home}/fifo`,
  `${home}/socket`,
  `${home}/to-fifo`,
  "/dev/zero",
  "/dev/random",
  "/dev/tty",
  "/dev/ptmx",
  "/dev/full",
  "/dev/stdin",
  "/dev/fd/0",
  "/dev/fd/3",
  "/proc/self/mem",
  "/proc/self/pagemap",
  "/proc/kmsg",
  "/proc/self/fd/0",
  "/proc/self/fd/1",
  "/proc/self/fd/5",
  `${home}/${"n".repeat(256)}`,
  `${home}/${"deep/".repeat(800)}x`,
  `${home}/missing/x`
]

const uses = ["read_file", "get_file_info", "list_directory", "search_files", "get_file_change", "read_multiple_files"]
const changes = ["write_file", "edit_file", "delete_file", "move_file", "create_directory"]

/** All of them take turns; reading and writing are tried on every path. */
const toolsFor = (index: number): ReadonlyArray<string> => {
  const others = [...uses.slice(1), ...changes.slice(1)]
  return ["read_file", "write_file", others[index % others.length] ?? "", others[(index * 2 + 1) % others.length] ?? ""]
}

const argsOf = (tool: string, path: string, home: string): Record<string, unknown> => {
  if (tool === "read_multiple_files") return { paths: [path] }
  if (tool === "search_files") return { path, pattern: "*secret*" }
  if (tool === "write_file") return { path, content: "x", mode: "append" }
  if (tool === "edit_file") return { path, edits: [{ oldText: "secret", newText: "x" }] }
  if (tool === "move_file") return { source: path, destination: `${home}/stolen` }
  return { path }
}

const opened = Effect.gen(function*() {
  const { callTool, command } = yield* Session.make({ imageId: "code_latest" })
  const sh = (line: string) =>
    Effect.map(command.executeCommand(line, { timeout: "2 minutes" }), ({ stdout }) => stdout.trim())
  const use = (tool: string, args: Record<string, unknown>) =>
    Effect.match(callTool(tool, args), {
      onFailure: (error) => ({ ok: false, text: error.message, tag: error._tag }),
      onSuccess: (text) => ({ ok: true, text, tag: "" })
    })
  return { home: yield* sh("pwd"), tmp: yield* sh("echo $TMPDIR"), sh, use }
})

describe.skipIf(process.platform !== "linux").each(runtimes)("files outside the session, $name", ({ isolation }) => {
  const run = <E>(test: Effect.Effect<void, E, Agb.Agb | Scope.Scope>) =>
    test.pipe(Effect.scoped, Effect.provide(layerWith(isolation)))

  it.live("are not reached by any spelling of their path", () =>
    run(Effect.gen(function*() {
      const folder = yield* outside
      const target = `${folder}/secret`
      const { home, sh, tmp, use } = yield* opened
      yield* sh(`ln -s ${target} link; ln -s ${folder} folder; ln -s / far; ln -s link chain`)
      const got: Array<string> = []
      for (const [index, path] of spellings(home, tmp, target).entries()) {
        for (const tool of toolsFor(index)) {
          const { ok, text } = yield* use(tool, argsOf(tool, path, home))
          if (text.includes(secret)) got.push(`${tool} ${path}: ${text}`)
          const own = ["delete_file", "move_file"].includes(tool) && /\/(link|chain)$/.test(path)
          if (ok && own) yield* sh(`rm -f stolen; ln -sf ${target} link; ln -sf link chain`)
          if (Fs.readFileSync(target, "utf8") !== secret) got.push(`${tool} ${path} has changed it`)
        }
      }
      for (const destination of [`${folder}/moved`, `${home}/folder/moved`, `/proc/self/root${folder}/moved`]) {
        yield* use("write_file", { path: `${home}/mine`, content: "x" })
        yield* use("move_file", { source: `${home}/mine`, destination })
        yield* use("create_directory", { path: `${destination}/deep` })
        yield* use("write_file", { path: destination, content: "x", mode: "create_new" })
      }
      assert.deepStrictEqual(got, [])
      assert.deepStrictEqual(Fs.readdirSync(folder), ["secret"])
    })))

  it.live("and what is no file end a call at once, with a failure that says why", () =>
    run(Effect.gen(function*() {
      const { home, sh, use } = yield* opened
      yield* sh(
        "mkfifo fifo; ln -s fifo to-fifo; node -e \"require('net').createServer().listen('socket', () => process.kill(process.pid, 9))\" || true"
      )
      for (const path of oddities(home)) {
        for (const tool of ["read_file", "write_file", "edit_file"]) {
          const { ok, tag, text } = yield* use(tool, argsOf(tool, path, home))
          assert.isFalse(ok && /^\/dev|fifo|socket/.test(path), `${tool} ${path}: ${text.slice(0, 200)}`)
          if (!ok) assert.match(`${tag} ${text}`, /ToolError.*[A-Z]{4,}: [A-Z][^:]+: \//s, `${tool} ${path}`)
        }
        yield* use("list_directory", { path })
      }
      for (const path of ["relative", "", "a\0b", `${home}/a\0/../x`, `/${"x".repeat(5000)}`]) {
        assert.isFalse((yield* use("read_file", { path })).ok)
      }
      assert.strictEqual((yield* use("write_file", { path: `${home}/well`, content: "x" })).ok, true)
      assert.strictEqual(yield* sh("cat well; ls -A | sort | tr '\\n' ' '"), "xfifo socket to-fifo well")
    })))
})

/** Swaps a folder for a link to another one and back for as long as it lives. */
const swapper = `
const fs = require("node:fs")
const [folder, target] = process.argv.slice(1)
fs.mkdirSync(folder + ".real")
fs.writeFileSync(folder + ".real/secret", "mine")
fs.symlinkSync(target, folder + ".link")
const swap = (kind) => {
  fs.renameSync(folder + kind, folder)
  fs.renameSync(folder, folder + kind)
}
const repair = () => {
  fs.rmSync(folder, { recursive: true, force: true })
  fs.rmSync(folder + ".link", { force: true })
  fs.mkdirSync(folder + ".real", { recursive: true })
  fs.symlinkSync(target, folder + ".link")
}
const attempt = (step) => {
  try {
    step()
    return true
  } catch {
    return false
  }
}
for (;;) {
  for (const kind of [".real", ".link"]) if (!attempt(() => swap(kind))) attempt(repair)
}`

const none = await Effect.runPromise(Isolation.probe("none").pipe(Effect.option))

describe.skipIf(none._tag === "None")("without isolation", () => {
  it.live("a folder that is swapped for a link lets no call out", () =>
    Effect.gen(function*() {
      const folder = yield* outside
      const { home, use } = yield* opened
      const swapped = `${home}/swapped`
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, ["-e", swapper, swapped, folder], { stdio: "inherit" })),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      while (!Fs.existsSync(`${swapped}.real`) && !Fs.existsSync(swapped)) yield* Effect.sleep("10 millis")
      const got: Array<string> = []
      let reached = 0
      for (let round = 0; round < 150; round++) {
        const calls = ["read_file", "write_file", "search_files", "list_directory", "edit_file"].map((tool) =>
          use(
            tool,
            argsOf(tool, tool === "search_files" || tool === "list_directory" ? swapped : `${swapped}/secret`, home)
          )
        )
        const extra = [
          use("write_file", { path: `${swapped}/new`, content: "x" }),
          use("create_directory", { path: `${swapped}/made` }),
          use("delete_file", { path: `${swapped}/new` }),
          use("search_files", { path: home, pattern: "secret" })
        ]
        for (const { ok, text } of yield* Effect.all([...calls, ...extra], { concurrency: "unbounded" })) {
          if (ok) reached += 1
          if (text.includes(secret)) got.push(text)
        }
      }
      assert.isNull(child.exitCode)
      assert.deepStrictEqual(got, [])
      assert.isAbove(reached, 0)
      assert.deepStrictEqual(Fs.readdirSync(folder), ["secret"])
      assert.strictEqual(Fs.readFileSync(`${folder}/secret`, "utf8"), secret)
    }).pipe(Effect.scoped, Effect.provide(LocalAgb.layer({ isolation: "none", poolSize: 0 }))))

  it.live("/tmp of the file tools is the session's own", () =>
    Effect.gen(function*() {
      const { sh, tmp, use } = yield* opened
      const name = `agb-own-${process.pid}`
      assert.isTrue((yield* use("write_file", { path: `/tmp/${name}`, content: "own" })).ok)
      assert.isFalse(Fs.existsSync(`/tmp/${name}`))
      assert.strictEqual(yield* sh(`cat ${tmp}/${name}`), "own")
      assert.strictEqual((yield* use("read_file", { path: `//tmp/./${name}` })).text, "own")
      assert.strictEqual((yield* use("read_file", { path: `${tmp}/${name}` })).text, "own")
      assert.include((yield* use("search_files", { path: "/tmp", pattern: name })).text, `/tmp/${name}`)
      assert.strictEqual((yield* use("get_file_change", { path: "/tmp" })).text, "[]")
      yield* sh(`rm ${tmp}/${name}`)
      assert.include((yield* use("get_file_change", { path: "/tmp" })).text, `"path":"/tmp/${name}"`)
      assert.isFalse((yield* use("read_file", { path: "/tmp/../etc/hostname" })).ok)
      const refused = yield* use("read_file", { path: "/etc/hostname" })
      assert.include(refused.text, "EACCES: Permission denied, outside the session: /etc/hostname")
    }).pipe(Effect.scoped, Effect.provide(LocalAgb.layer({ isolation: "none", poolSize: 0 }))))
})
