/** Programs that were written for the platform, unchanged over a session. */
import { Args, Command as Cli, Options } from "@effect/cli"
import {
  Command,
  type CommandExecutor,
  type Error,
  FileSystem,
  KeyValueStore,
  Path,
  PlatformConfigProvider,
  PlatformLogger,
  type Terminal
} from "@effect/platform"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import { assert, layer } from "@effect/vitest"
import { Config, Effect, Either, Layer, Logger, Option, Schema } from "effect"
import { backends } from "../support/sessionPlatform.js"

const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

/** Counts the words of files, into a file. */
const wordCount = Cli.make("wc", {
  files: Args.atLeast(Args.file({ name: "file", exists: "yes" }), 1),
  out: Options.withAlias(Options.file("out"), "o"),
  rules: Options.optional(Options.fileSchema("rules", Schema.Struct({ least: Schema.Number })))
}, ({ files, out, rules }) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const least = Option.match(rules, { onNone: () => 0, onSome: ({ least }) => least })
    const counts = yield* Effect.forEach(files, (file) =>
      Effect.map(
        Command.string(Command.make("wc", "-w", file)),
        (text) => `${path.basename(file)} ${parseInt(text)}`
      ))
    yield* fs.writeFileString(out, counts.filter((line) => Number(line.split(" ").at(-1)) >= least).join("\n"))
  }))

const cli = (...args: ReadonlyArray<string>) =>
  Cli.run(wordCount, { name: "wc", version: "1.0.0" })(["node", "wc", ...args]) as Effect.Effect<
    void,
    Error.PlatformError,
    FileSystem.FileSystem | Path.Path | Terminal.Terminal | CommandExecutor.CommandExecutor
  >

for (const { layer: platform, name } of backends) {
  layer(platform, { excludeTestServices: true })(name, (it) => {
    it.scoped("a key-value store in files", () =>
      Effect.gen(function*() {
        const directory = `${yield* temporary}/store/deep`
        const store = yield* Layer.build(KeyValueStore.layerFileSystem(directory)).pipe(
          Effect.map((context) => context.unsafeMap.get(KeyValueStore.KeyValueStore.key) as KeyValueStore.KeyValueStore)
        )
        const key = "a/b: ü"
        assert.deepStrictEqual(yield* store.get(key), Option.none())
        yield* store.set(key, "value\n")
        yield* store.set("other", new Uint8Array([0, 255]))
        assert.deepStrictEqual(yield* Effect.map(store.get(key), Option.getOrNull), "value\n")
        assert.deepStrictEqual(
          yield* Effect.map(store.getUint8Array("other"), Option.getOrNull),
          new Uint8Array([0, 255])
        )
        assert.strictEqual(yield* store.size, 2)
        assert.isTrue(yield* store.has(key))
        yield* store.modify(key, (value) => value + "!")
        yield* store.remove("other")
        assert.strictEqual(yield* store.size, 1)
        yield* store.clear
        assert.isTrue(yield* store.isEmpty)
      }))

    it.scoped("configuration from a file and from a tree of files", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporary
        yield* fs.writeFileString(`${directory}/.env`, "HOST=example.org\nPORT=80\nURL=\"http://${HOST}\"\n")
        const settings = Config.all([Config.string("URL"), Config.integer("PORT")])
        const dotEnv = PlatformConfigProvider.layerDotEnv(`${directory}/.env`)
        assert.deepStrictEqual(yield* Effect.provide(settings, dotEnv), ["http://example.org", 80])
        const missing = yield* Effect.flip(Layer.build(PlatformConfigProvider.layerDotEnv(`${directory}/none`)))
        assert.strictEqual(missing._tag === "SystemError" ? missing.reason : missing._tag, "NotFound")

        yield* fs.makeDirectory(`${directory}/db`)
        yield* fs.writeFileString(`${directory}/db/user`, "me\n")
        const tree = PlatformConfigProvider.layerFileTree({ rootDirectory: directory })
        assert.strictEqual(yield* Effect.provide(Config.nested(Config.string("user"), "db"), tree), "me")
        const absent = yield* Effect.either(Effect.provide(Config.string("none"), tree))
        assert.isTrue(Either.isLeft(absent) && absent.left._op === "MissingData")
      }))

    it.scoped("a log in a file", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = `${yield* temporary}/log`
        const toFile = Logger.replaceScoped(
          Logger.defaultLogger,
          PlatformLogger.toFile(Logger.map(Logger.logfmtLogger, (line) => line.replace(/^.*message=/, "")), path)
        )
        for (const n of [1, 2]) {
          yield* Effect.zipRight(Effect.log(`first ${n}`), Effect.log(`second ${n}`)).pipe(Effect.provide(toFile))
        }
        const lines = (yield* fs.readFileString(path)).trimEnd().split("\n")
        assert.deepStrictEqual(lines, ["\"first 1\"", "\"second 1\"", "\"first 2\"", "\"second 2\""])
      }))

    it.scoped("a command line with file arguments", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* temporary
        yield* fs.writeFileString(`${directory}/a b`, "one two three")
        yield* fs.writeFileString(`${directory}/c`, "one")
        yield* fs.writeFileString(`${directory}/rules.json`, "{ \"least\": 2 }")
        yield* cli("-o", `${directory}/out`, `${directory}/a b`, `${directory}/c`)
        assert.strictEqual(yield* fs.readFileString(`${directory}/out`), "a b 3\nc 1")
        yield* cli(
          "--rules",
          `${directory}/rules.json`,
          "--out",
          `${directory}/out`,
          `${directory}/a b`,
          `${directory}/c`
        )
        assert.strictEqual(yield* fs.readFileString(`${directory}/out`), "a b 3")
        const missing = yield* Effect.either(cli("-o", `${directory}/out`, `${directory}/none`))
        assert.isTrue(Either.isLeft(missing))
      }).pipe(Effect.provide(NodeTerminal.layer)))
  })
}
