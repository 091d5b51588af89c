import { Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Agent from "../support/agent/agentProcess.js"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith } from "../support/runtime.js"

const patterns = [
  "*a".repeat(500),
  "**/".repeat(340) + "b",
  "{a,".repeat(200) + "b" + "}".repeat(200) + "c",
  "[a-z]*".repeat(170),
  "{".repeat(1000),
  "?*".repeat(500),
  "\\".repeat(999)
]

describe.skipIf(process.platform !== "linux")("searching files", () => {
  it.live("finds names and paths in a session, and leaves out what is excluded", () =>
    Effect.gen(function*() {
      const { command, fileSystem } = yield* Session.make({ imageId: "code_latest" })
      const home = (yield* command.executeCommand(
        "mkdir -p a/b node_modules/x; touch test.txt a/test.txt a/b/test.txt.bak node_modules/x/test.txt 'a/[1].txt' a/.txt; " +
          "ln -s .. a/b/up; ln -s loop loop; pwd"
      )).stdout.trim()
      const search = (pattern: string, ...excludePatterns: ReadonlyArray<string>) =>
        Effect.map(fileSystem.searchFiles(home, pattern, { excludePatterns }), (paths) =>
          paths.map((path) => Path.relative(home, path)))
      assert.deepStrictEqual(yield* search("test.txt", "node_modules"), ["a/test.txt", "test.txt"])
      assert.deepStrictEqual(yield* search("*.txt", "node_modules", "test.*"), ["a/.txt", "a/[1].txt"])
      assert.deepStrictEqual(yield* search("**/test.txt", "**/x/**"), ["a/test.txt", "test.txt"])
      assert.deepStrictEqual(yield* search("[[]1].txt"), ["a/[1].txt"])
      assert.deepStrictEqual(yield* search("\\[1\\].txt"), ["a/[1].txt"])
      assert.deepStrictEqual(yield* search("a/*", "a/b"), ["a/.txt", "a/[1].txt", "a/test.txt"])
      assert.deepStrictEqual(yield* search("nothing"), [])
      assert.deepStrictEqual(yield* search("x/"), ["node_modules/x"])
      assert.deepStrictEqual(yield* search("test.txt/"), [])
      assert.deepStrictEqual(yield* search("*.txt", "b/", "x/", "test.txt/"), [
        "a/.txt",
        "a/[1].txt",
        "a/test.txt",
        "test.txt"
      ])
      assert.deepStrictEqual(yield* search("up"), ["a/b/up"])
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("says so when there is more than it looks at or finds", () =>
    Effect.gen(function*() {
      const { command, fileSystem } = yield* Session.make({ imageId: "code_latest" })
      const make = "const { closeSync, mkdirSync, openSync } = require('node:fs')\n" +
        "for (let d = 0; d < 21; d++) {\n  mkdirSync('many/' + d, { recursive: true })\n" +
        "  for (let f = 0; f < 10000; f++) closeSync(openSync('many/' + d + '/' + f, 'w'))\n}"
      const home = (yield* command.executeCommand(`node -e "${make}"; mkdir few; touch few/x; pwd`, {
        timeout: "60 seconds"
      })).stdout.trim()
      const visited = yield* failsWith(fileSystem.searchFiles(home, "absent"), "FileError")
      assert.include(visited.detail, "200000 entries were looked at")
      const found = yield* failsWith(fileSystem.searchFiles(`${home}/many`, "[0-9]*"), "FileError")
      assert.include(found.detail, "10000 were found")
      assert.deepStrictEqual(yield* fileSystem.searchFiles(home, "x", { excludePatterns: ["many"] }), [`${home}/few/x`])
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.scoped("answers other calls while a hard pattern meets many long names", () =>
    Effect.gen(function*() {
      const { begin, call, home } = yield* Agent.make()
      for (let index = 0; index < 20; index++) Fs.writeFileSync(Path.join(home, "a".repeat(240) + index), "")
      for (const pattern of patterns) {
        const search = begin("searchFiles", { path: home, pattern, excludePatterns: patterns })
        const order: Array<string> = []
        const ping = begin("ping").answer.then(() => order.push("ping"))
        yield* Effect.promise(() => Promise.all([ping, search.answer.then(() => order.push("search"))]))
        assert.deepStrictEqual(order, ["ping", "search"])
        const { ok, value } = yield* Effect.promise(() => search.answer)
        assert.isTrue(ok)
        assert.isNull(value["limit"])
      }
      Agent.failsWith(yield* call("searchFiles", { path: home, pattern: "a".repeat(1025) }), "EINVAL")
      const many = Array.from({ length: 257 }, () => "a")
      Agent.failsWith(yield* call("searchFiles", { path: home, pattern: "a", excludePatterns: many }), "EINVAL")
    }))

  it.scoped("gives up after its time, and says so", () =>
    Effect.gen(function*() {
      const { begin, home } = yield* Agent.make()
      for (let index = 0; index < 1500; index++) Fs.writeFileSync(Path.join(home, "a".repeat(240) + index), "")
      const { answer } = begin("searchFiles", { path: home, pattern: "b", excludePatterns: patterns })
      const { answer: ping } = begin("ping")
      assert.isTrue((yield* Effect.promise(() => ping)).ok)
      assert.strictEqual((yield* Effect.promise(() => answer)).value["limit"], "10000 ms have passed")
    }))

  it.scoped("goes as deep as a tree is", () =>
    Effect.gen(function*() {
      const { call, home } = yield* Agent.make()
      const folder = "d".repeat(100)
      let path = home
      for (let depth = 0; depth < 35; depth++) Fs.mkdirSync(path = Path.join(path, folder))
      Fs.writeFileSync(Path.join(path, "needle"), "")
      const { value } = yield* call("searchFiles", { path: home, pattern: "needle", excludePatterns: [] })
      assert.deepStrictEqual(value["paths"], [Path.join(path, "needle")])
    }))

  it.scoped("ends when it is cancelled", () =>
    Effect.gen(function*() {
      const { begin, home, post } = yield* Agent.make()
      for (let index = 0; index < 300; index++) Fs.writeFileSync(Path.join(home, "a".repeat(240) + index), "")
      const { answer, id } = begin("searchFiles", { path: home, pattern: patterns[0], excludePatterns: patterns })
      post({ op: "cancel", target: id })
      assert.strictEqual((yield* Effect.promise(() => answer)).value["limit"], "it was cancelled")
    }))
})
