import { type FileSystem, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Agent from "../support/agent/agentProcess.js"
import { best, layerWith } from "../support/runtime.js"

const describeEvents = (root: string, events: ReadonlyArray<FileSystem.FileChangeEvent>) =>
  events.map(({ eventType, path, pathType }) =>
    `${eventType} ${pathType === "directory" ? "dir " : ""}${Path.relative(root, path)}`
  )

/** For a shell on a busy machine. */
const patience = 600_000

/** An agent that watches its home; `changes` asks it, `sh` runs a command in it from outside. */
const watched = Effect.gen(function*() {
  const agent = yield* Agent.make()
  const root = Path.join(agent.home, "root")
  Fs.mkdirSync(root)
  const changes = Effect.map(
    agent.call("fileChange", { path: root }),
    ({ value }) => describeEvents(root, value["events"] as ReadonlyArray<FileSystem.FileChangeEvent>)
  )
  const sh = (script: string) =>
    Effect.sync(() => execFileSync("/bin/sh", ["-c", script], { cwd: root, encoding: "utf8" }))
  return { agent, root, changes, sh }
})

type Event = FileSystem.FileChangeEvent["eventType"]

const commandOf: Record<Event, string> = { create: ": >", modify: "echo x >>", delete: "rm" }

/** Most of what a shell does comes in bursts, which a pause in between ends. */
const pauseAfter = (index: number) => index % 23 === 0 ? "; sleep 0.01" : ""

/** What can happen to four names that are not there at first. */
const histories = FastCheck.array(
  FastCheck.tuple(FastCheck.constantFrom("a", "b", "c", "d"), FastCheck.boolean()),
  { minLength: 400, maxLength: 400 }
).map((wishes) => {
  const there = new Set<string>()
  return wishes.map(([name, changesOnly]): readonly [name: string, event: Event] => {
    if (!there.has(name)) {
      there.add(name)
      return [name, "create"]
    }
    if (changesOnly) return [name, "modify"]
    there.delete(name)
    return [name, "delete"]
  })
})

describe.skipIf(process.platform !== "linux")("changes of files", () => {
  it.live(
    "of commands, code and file tools are told in a session, those undone since included",
    () =>
      Effect.gen(function*() {
        const { command, fileSystem } = yield* Session.make({ imageId: "code_latest" })
        const home = (yield* command.executeCommand("pwd; mkdir kept; touch gone")).stdout.trim()
        const changes = Effect.map(fileSystem.getFileChange(home), (events) => describeEvents(home, events))
        assert.deepStrictEqual(yield* changes, [])
        yield* command.executeCommand(
          "echo x >passing; rm passing; rm gone; mkdir new; echo 1 >new/in; chmod 600 new/in"
        )
        yield* fileSystem.writeFile(`${home}/kept/written`, "x")
        yield* fileSystem.moveFile(`${home}/kept/written`, `${home}/moved`)
        assert.deepStrictEqual(yield* changes, [
          "delete gone",
          "create kept/written",
          "delete kept/written",
          "create moved",
          "create dir new",
          "create new/in",
          "create passing",
          "delete passing"
        ])
        yield* fileSystem.writeFile(`${home}/moved`, "y")
        yield* fileSystem.editFile(`${home}/new/in`, [{ oldText: "1", newText: "2" }])
        assert.deepStrictEqual(yield* changes, ["modify moved", "modify new/in"])
        assert.deepStrictEqual(yield* changes, [])
      }).pipe(Effect.scoped, Effect.provide(layerWith(best)))
  )

  it.scoped("that happen quickly are all told", () =>
    Effect.gen(function*() {
      const { changes, sh } = yield* watched
      yield* changes
      yield* sh("for i in $(seq 300); do echo x >f$i; rm f$i; done; for i in $(seq 50); do echo $i >>grown; done")
      const names = Array.from({ length: 300 }, (_, index) => `f${index + 1}`)
      const expected = names.flatMap((name) => [`create ${name}`, `delete ${name}`])
      assert.deepStrictEqual((yield* changes).sort(), [...expected, "create grown"].sort())
      yield* sh(
        "echo a >grown; echo b >grown; rm grown; echo c >grown; rm grown; echo d >grown; mv grown other; rm other"
      )
      const told = yield* changes
      assert.strictEqual(told.filter((event) => event === "delete grown").length, 3)
      assert.strictEqual(told.filter((event) => event === "create grown").length, 2)
      assert.deepStrictEqual(told.filter((event) => event.endsWith("other")), ["create other", "delete other"])
      assert.deepStrictEqual(yield* changes, [])
    }))

  it.scoped(
    "in folders that come with entries inside, move or come back are told under the right names",
    () =>
      Effect.gen(function*() {
        const { agent, changes, sh } = yield* watched
        Fs.mkdirSync(Path.join(agent.home, "away/deep"), { recursive: true })
        Fs.writeFileSync(Path.join(agent.home, "away/deep/file"), "")
        yield* changes
        yield* sh("mv ../away came")
        yield* agent.call("ping")
        assert.deepStrictEqual(yield* changes, ["create dir came", "create dir came/deep", "create came/deep/file"])
        yield* sh("mv came went; echo x >went/deep/more; rm went/deep/more")
        assert.deepStrictEqual((yield* changes).filter((event) => !event.endsWith("more")).sort(), [
          "create dir went",
          "create dir went/deep",
          "create went/deep/file",
          "delete came/deep/file",
          "delete dir came",
          "delete dir came/deep"
        ])
        yield* sh("mv went ../gone; mkdir went; touch went/again")
        assert.deepStrictEqual(yield* changes, [
          "delete dir went",
          "create dir went",
          "create went/again",
          "delete dir went/deep",
          "delete went/deep/file"
        ])
        yield* sh("touch went/late; rm went/late; chmod 700 went")
        assert.deepStrictEqual(yield* changes, ["create went/late", "delete went/late"])
        yield* sh("rm -r went; rm -r ../root; mkdir ../root; touch ../root/anew")
        assert.deepStrictEqual(yield* changes, ["create anew", "delete dir went", "delete went/again"])
        assert.deepStrictEqual(yield* changes, [])
      })
  )

  it.scoped("are all there when many polls meet many changes", () =>
    Effect.gen(function*() {
      const { agent, changes, root, sh } = yield* watched
      yield* sh("for i in 0 1 2 3 4 5 6; do mkdir -p d$i/e; done")
      yield* changes
      const script = "for i in $(seq 400); do echo $i >d$((i % 7))/e/f$i; " +
        "mv d$((i % 7))/e/f$i d$(((i + 1) % 7)); done 2>/dev/null; touch end"
      const writer = agent.begin("shell", { command: script, cwd: root, timeoutMs: patience })
      const all: Array<string> = []
      while (!all.includes("create end")) all.push(...yield* changes)
      yield* Effect.promise(() => writer.answer)
      all.push(...yield* changes)
      const balance = new Map<string, number>()
      for (const event of all) {
        const [kind, name = ""] = [event.split(" ")[0], event.split(" ").at(-1)]
        if (kind !== "modify") balance.set(name, (balance.get(name) ?? 0) + (kind === "create" ? 1 : -1))
      }
      const left = [...balance].filter(([, count]) => count === 1).map(([name]) => name).sort()
      assert.deepStrictEqual([...new Set(balance.values())].sort(), [0, 1])
      assert.deepStrictEqual(
        left,
        execFileSync("find", [".", "-type", "f", "-printf", "%P\\n"], { cwd: root, encoding: "utf8" }).trim().split(
          "\n"
        ).sort()
      )
      const passed = Array.from({ length: 400 }, (_, index) => `f${index + 1}`)
      assert.deepStrictEqual(passed.filter((name) => !all.some((event) => event.endsWith(`/e/${name}`))), [])
    }))

  it.scoped("of the same names are all told, however the polls meet them", () =>
    Effect.gen(function*() {
      const { agent, changes, root, sh } = yield* watched
      yield* changes
      for (const round of [1, 2, 3]) {
        const [happened = []] = FastCheck.sample(histories, { seed: round, numRuns: 1 })
        const script = happened.map(([name, event], index) => `${commandOf[event]} ${name} ${pauseAfter(index)}`)
        const writer = agent.begin("shell", {
          command: `${script.join("\n")}\ntouch end`,
          cwd: root,
          timeoutMs: patience
        })
        const told: Array<string> = []
        while (!told.includes("create end")) told.push(...yield* changes)
        yield* Effect.promise(() => writer.answer)
        told.push(...yield* changes)
        const missed = happened.filter(([, event]) => event !== "modify").map(([name, event]) => `${event} ${name}`)
        for (const event of told.filter((event) => missed.includes(event))) missed.splice(missed.indexOf(event), 1)
        assert.deepStrictEqual(missed, [])
        yield* sh("rm -f *")
        yield* changes
      }
    }))

  it.scoped("beyond the folders that are watched are told by what is left of them", () =>
    Effect.gen(function*() {
      const { agent, changes, root, sh } = yield* watched
      for (let index = 0; index < 2100; index++) Fs.mkdirSync(Path.join(root, `d${index}`))
      assert.deepStrictEqual(yield* changes, [])
      const notices = Fs.readdirSync(`/proc/${agent.pid}/fdinfo`)
        .map((fd) => Fs.readFileSync(`/proc/${agent.pid}/fdinfo/${fd}`, "utf8").match(/^inotify /gm)?.length ?? 0)
      assert.strictEqual(notices.reduce((sum, count) => sum + count, 0), 2048)
      yield* sh("for i in $(seq 0 2099); do echo x >d$i/f; done; rm d5/f")
      const told = yield* changes
      assert.strictEqual(told.filter((event) => event.startsWith("create ")).length, 2100)
      yield* sh("rm -r d*")
      assert.strictEqual((yield* changes).filter((event) => event.startsWith("delete ")).length, 2100 + 2099)
      yield* sh("mkdir again; touch again/f; rm again/f")
      assert.include(yield* changes, "create dir again")
      yield* sh("touch again/g; rm again/g")
      assert.deepStrictEqual(yield* changes, ["create again/g", "delete again/g"])
    }))

  it.scoped("are kept in bounds: entries, changes and baselines", () =>
    Effect.gen(function*() {
      const { agent, changes, root, sh } = yield* watched
      yield* changes
      for (let index = 0; index < 80; index++) {
        const path = Path.join(agent.home, `other${index}`)
        Fs.mkdirSync(path)
        yield* agent.call("fileChange", { path })
      }
      yield* sh("touch forgotten")
      assert.deepStrictEqual(yield* changes, [])
      const flood = "const { unlinkSync, writeFileSync } = require('node:fs');" +
        "for (let n = 0; n < 26000; n++) { writeFileSync('flood', ''); unlinkSync('flood') } writeFileSync('left', '')"
      yield* agent.call("shell", { command: `node -e "${flood}"`, cwd: root, timeoutMs: patience })
      const told = yield* changes
      assert.isAtMost(told.length, 50_001)
      assert.include(told, "create left")
      assert.deepStrictEqual(yield* changes, [])
    }))
})
