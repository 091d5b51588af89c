/** The platform's `Command` over a session: what Effect's own tests ask of it on Node, and more. */
import { Session } from "@effect-agb/core"
import { Command, type CommandExecutor, type Error, FileSystem } from "@effect/platform"
import { assert, layer } from "@effect/vitest"
import { Chunk, Console, Deferred, Effect, FastCheck, Fiber, pipe, Sink, Stream } from "effect"
import { backends } from "../support/sessionPlatform.js"

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

const text = <R>(stream: Stream.Stream<Uint8Array, Error.PlatformError, R>) =>
  Stream.mkString(Stream.decodeText(stream))

/** What tells a failure; of a success the value. */
const failureOf = <A, R>(effect: Effect.Effect<A, Error.PlatformError, R>) =>
  Effect.match(effect, {
    onSuccess: (value) => [value],
    onFailure: (error) =>
      error._tag === "SystemError"
        ? [error.module, error.method, error.reason, error.pathOrDescriptor]
        : [error.module, error.method, error._tag]
  })

/** A directory with a script in it. */
const withScript = (name: string, script: string, mode = 0o755) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped()
    yield* fs.writeFileString(`${directory}/${name}`, script, { mode })
    return directory
  })

const string = FastCheck.string({ unit: "grapheme", maxLength: 30 }).map((text) => text.replaceAll("\0", ""))

for (const { layer: platform, name } of backends) {
  layer(platform, { excludeTestServices: true })(name, (it) => {
    it.scoped("output as a text, as lines, as bytes", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Command.string(Command.make("echo", "-n", "test")), "test")
        const lines = Command.make("printf", "1\\n2\\r\\n\\n3")
        assert.deepStrictEqual(yield* Command.lines(lines), ["1", "2", "", "3"])
        assert.deepStrictEqual(Chunk.toArray(yield* Stream.runCollect(Command.streamLines(lines))), ["1", "2", "", "3"])
        assert.strictEqual(yield* text(Command.stream(lines)), "1\n2\r\n\n3")
        const latin = Command.make("printf", "\\351")
        assert.strictEqual(yield* Command.string(latin, "latin1"), "é")
        assert.deepStrictEqual(yield* Command.lines(latin, "latin1"), ["é"])
        assert.deepStrictEqual(yield* failureOf(Command.string(latin, "klingon")), ["Command", "string", "BadArgument"])
      }))

    it.scoped("characters are whole, however they arrive", () =>
      Effect.gen(function*() {
        const halves = Command.make(
          "printf 'a\\303'; sleep 0.2; printf '\\251\\342\\202'; sleep 0.2; printf '\\254\\n'"
        ).pipe(
          Command.runInShell(true)
        )
        assert.deepStrictEqual(yield* Command.lines(halves), ["aé€"])
      }))

    it.scoped("arguments, variables and directories are literal, whatever they contain", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const [args = [], value = ""] = FastCheck.sample(
          FastCheck.tuple(FastCheck.array(string, { minLength: 20, maxLength: 20 }), string),
          1
        )[0] ?? []
        const all = [
          ...args,
          "",
          "-n",
          "--",
          "'",
          "\"",
          "$(id)`id`",
          "a\nb\n",
          "\\",
          "*",
          "é\r",
          " = ",
          "!x",
          "\u{1f600}"
        ]
        const directory = `${yield* fs.makeTempDirectoryScoped()}/ '$HOME'\n-`
        yield* fs.makeDirectory(directory)
        const show = Command.make("sh", "-c", "printf '%s\\0' \"$PWD\" \"$VALUE\" \"$OTHER\" \"$@\"", "sh", ...all)
        for (const extendEnv of [true, false]) {
          const found = yield* show.pipe(
            Command.env({ VALUE: value, OTHER: "a=b\n'\"$x", NONE: undefined }, { extendEnv }),
            Command.workingDirectory(directory),
            Command.string
          )
          assert.deepStrictEqual(found.split("\0").slice(0, -1), [directory, value, "a=b\n'\"$x", ...all])
        }
      }))

    it.scoped("the environment is that of the session, or empty", () =>
      Effect.gen(function*() {
        const names = Command.make("env").pipe(Command.env({ A: "1" }))
        assert.include(yield* Command.string(names), "PATH=")
        const alone = yield* Command.lines(Command.env(names, {}, { extendEnv: false }))
        assert.deepStrictEqual(alone.map((line) => line.split("=")[0]).sort(), ["A", "AGB_PROCESS_RUN"])
        const fs = yield* FileSystem.FileSystem
        const directory = yield* withScript("own=program", "#!/bin/sh\necho \"found $1\"\n")
        const own = Command.make("own=program", "x").pipe(Command.env({ PATH: `/nowhere:${directory}` }))
        assert.strictEqual(yield* Command.string(own), "found x\n")
        assert.deepStrictEqual(
          yield* failureOf(Command.string(Command.env(own, { "A=B": "1" }))),
          ["Command", "spawn", "BadArgument"]
        )
        yield* fs.remove(directory, { recursive: true })
      }))

    it.scoped("what cannot be started fails as it does on Node", () =>
      Effect.gen(function*() {
        const missing = Command.make("some-invalid-command", "test")
        const error = yield* Effect.flip(Command.string(missing))
        assert.strictEqual(
          error.message,
          "NotFound: Command.spawn (some-invalid-command test): spawn some-invalid-command ENOENT"
        )
        const directory = yield* withScript("no-permissions.sh", "#!/bin/sh\n", 0o644)
        const inside = (command: Command.Command) => Command.workingDirectory(command, directory)
        assert.deepStrictEqual(
          yield* failureOf(Command.exitCode(inside(Command.make("./no-permissions.sh")))),
          ["Command", "spawn", "PermissionDenied", "./no-permissions.sh "]
        )
        assert.deepStrictEqual(
          yield* failureOf(Command.string(Command.make("ls").pipe(Command.workingDirectory("/some/bad/path")))),
          ["FileSystem", "access", "NotFound", "/some/bad/path"]
        )
        assert.deepStrictEqual(
          yield* failureOf(Command.string(Command.make("cd").pipe(Command.pipeTo(missing)))),
          ["Command", "spawn", "NotFound", "cd  | some-invalid-command test"]
        )
        const other = Effect.catchTag(Command.string(missing), "SystemError", ({ reason }) =>
          reason === "NotFound" ? Command.string(Command.make("echo", "-n", "test")) : Effect.succeed(reason))
        assert.strictEqual(yield* other, "test")
        assert.deepStrictEqual(
          yield* failureOf(Command.string(Command.make("echo", "a\0b"))),
          ["Command", "spawn", "BadArgument"]
        )
        assert.deepStrictEqual(yield* failureOf(Command.string(Command.make(""))), ["Command", "spawn", "BadArgument"])
      }))

    it.scoped("input from a text, a stream and a sink", () =>
      Effect.gen(function*() {
        const cat = Command.make("cat")
        assert.strictEqual(yield* Command.string(Command.feed(cat, "piped in")), "piped in")
        const large = Uint8Array.from({ length: 150_000 }, (_, index) => index % 251)
        const pieces = Stream.make(large.subarray(0, 70_001), large.subarray(70_001))
        const out = yield* Stream.runCollect(Command.stream(Command.stdin(cat, pieces)))
        assert.strictEqual(Buffer.compare(Buffer.concat([...out]), large), 0)
        assert.strictEqual(yield* Command.string(cat), "", "nobody can write to it")
        const process = yield* Command.start(cat)
        yield* Stream.run(Stream.make(bytesOf("a"), bytesOf("b")), process.stdin)
        assert.strictEqual(yield* text(process.stdout), "ab")
        assert.strictEqual(yield* process.exitCode, 0)
        const reader = Command.make("head", "-c", "1").pipe(Command.stdin(Stream.forever(Stream.make(large))))
        assert.deepStrictEqual(
          yield* failureOf(Command.string(reader)),
          ["\0"],
          "it is no failure that it reads no further"
        )
      }))

    it.scoped("an input that fails ends the command, and is its failure", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const broken = Stream.concat(Stream.make(bytesOf("a")), fs.stream("/none"))
        const cat = Command.make("cat").pipe(Command.stdin(broken))
        const wanted = ["FileSystem", "stream", "NotFound", "/none"]
        assert.deepStrictEqual(yield* failureOf(Command.string(cat)), wanted)
        assert.deepStrictEqual(yield* failureOf(Command.exitCode(cat)), wanted)
      }))

    it.scoped("pipes, in any grouping", () =>
      Effect.gen(function*() {
        const [echo, cat, sort] = [Command.make("echo", "2\n1\n3"), Command.make("cat"), Command.make("sort")]
        const groupings = [
          echo.pipe(Command.pipeTo(cat), Command.pipeTo(sort)),
          echo.pipe(Command.pipeTo(cat.pipe(Command.pipeTo(sort))))
        ]
        for (const command of groupings) assert.deepStrictEqual(yield* Command.lines(command), ["1", "2", "3"])
        const fed = cat.pipe(Command.pipeTo(sort), Command.stdin(Stream.make(bytesOf("b\na\n"))))
        assert.deepStrictEqual(yield* Command.lines(fed), ["a", "b"])
        const upper = Sink.mapInput(
          Sink.foldLeft(new Uint8Array(), (all: Uint8Array, one: Uint8Array) => Uint8Array.from([...all, ...one])),
          (one: Uint8Array) => bytesOf(new TextDecoder().decode(one).toUpperCase())
        )
        assert.strictEqual(
          yield* Command.string(Command.make("printf", "abc").pipe(Command.stdout(upper), Command.pipeTo(cat))),
          "ABC"
        )
        assert.strictEqual(yield* Command.string(Command.stdout(Command.make("printf", "xyz"), upper)), "XYZ")
      }))

    it.scoped("a pipe ends with its last command, and the exit code is that of the last", () =>
      Effect.gen(function*() {
        const endless = Command.make("yes").pipe(Command.pipeTo(Command.make("head", "-n", "2")))
        assert.deepStrictEqual(yield* Command.lines(endless), ["y", "y"])
        const fs = yield* FileSystem.FileSystem
        const late = `${yield* fs.makeTempDirectoryScoped()}/late`
        const waiting = Command.make("sh", "-c", "sleep 20; touch \"$0\"", late).pipe(
          Command.pipeTo(Command.make("sh", "-c", "exit 3"))
        )
        assert.strictEqual(yield* Command.exitCode(waiting), 3)
        assert.isFalse(yield* fs.exists(late), "it did not wait for the first command")
        const { command } = yield* Session.Session
        const { stdout } = yield* command.executeCommand("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert.notInclude(stdout, "sleep 20; touch")
      }))

    it.scoped("both streams at the same time, and exit codes as values", () =>
      Effect.gen(function*() {
        const directory = yield* withScript(
          "duplex.sh",
          "#!/bin/sh\necho stdout1; echo stderr1 >&2; echo stdout2; echo stderr2 >&2; exit 1\n"
        )
        const process = yield* Command.start(Command.make("./duplex.sh").pipe(Command.workingDirectory(directory)))
        assert.deepStrictEqual(
          yield* Effect.all([text(process.stdout), text(process.stderr), process.exitCode], { concurrency: 3 }),
          ["stdout1\nstdout2\n", "stderr1\nstderr2\n", 1 as CommandExecutor.ExitCode]
        )
        assert.isFalse(yield* process.isRunning)
        assert.isAbove(process.pid, 0)
      }))

    it.scoped("in a shell, words are the shell's", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        for (const file of ["foo.txt", "bar.txt"]) yield* fs.writeFile(`${directory}/${file}`, new Uint8Array())
        const list = pipe(Command.make("echo", "*.txt"), Command.workingDirectory(directory))
        assert.strictEqual(yield* Command.string(list), "*.txt\n")
        assert.strictEqual(yield* Command.string(Command.runInShell(list, true)), "bar.txt foo.txt\n")
        const bash = Command.make("compgen", "-f").pipe(
          Command.workingDirectory(directory),
          Command.runInShell("/bin/bash")
        )
        if (yield* fs.exists("/bin/bash")) assert.sameMembers([...yield* Command.lines(bash)], ["foo.txt", "bar.txt"])
        assert.deepStrictEqual(
          yield* failureOf(Command.string(Command.runInShell(list, "/bin/none"))),
          ["Command", "spawn", "NotFound", "echo *.txt"]
        )
      }))

    it.scoped("a signal ends the command, and is told from an exit code", () =>
      Effect.gen(function*() {
        const process = yield* Command.start(Command.make("sleep", "1000"))
        assert.isTrue(yield* process.isRunning)
        yield* process.kill()
        assert.isFalse(yield* process.isRunning)
        const ended = yield* Effect.match(process.exitCode, { onSuccess: String, onFailure: ({ message }) => message })
        assert.match(ended, /Process interrupted due to receipt of signal: SIGTERM/)
        const trap = Command.make("sh", "-c", "trap 'echo hup; exit 7' HUP; echo ready; while :; do sleep 0.02; done")
        const trapping = yield* Command.start(trap)
        const ready = yield* Deferred.make<void>()
        const output = yield* Effect.fork(text(Stream.tap(trapping.stdout, () => Deferred.succeed(ready, undefined))))
        yield* Deferred.await(ready)
        yield* trapping.kill("SIGHUP")
        assert.strictEqual(yield* trapping.exitCode, 7)
        assert.strictEqual(yield* Fiber.join(output), "ready\nhup\n")
      }))

    it.scoped("the end of the scope ends the command with all that it started", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const command = Command.make("sh", "-c", "setsid sleep 1001 & echo started; sleep 1001").pipe(
          Command.env({}, { extendEnv: false }),
          Command.workingDirectory(directory)
        )
        yield* Effect.scoped(Effect.flatMap(Command.start(command), ({ stdout }) => Stream.runHead(stdout)))
        const { stdout } = yield* (yield* Session.Session).command.executeCommand(
          "for dir in /proc/[0-9]*; do tr '\\0' ' ' <\"$dir/cmdline\" 2>/dev/null; echo; done"
        )
        assert.notInclude(stdout, "sleep 1001")
      }))

    it.scoped("inherited output is printed by this program, in lines", () =>
      Effect.gen(function*() {
        const printed: Array<string> = []
        const print = (stream: string) => (line: unknown) => Effect.sync(() => void printed.push(`${stream}: ${line}`))
        const console = { ...yield* Effect.console, log: print("out"), error: print("err") }
        const command = Command.make("sh", "-c", "printf 'a\\nb'; echo c >&2").pipe(
          Command.stdin("inherit"),
          Command.stdout("inherit"),
          Command.stderr("inherit")
        )
        assert.strictEqual(yield* Console.withConsole(Command.exitCode(command), console), 0)
        assert.sameMembers(printed, ["out: a", "out: b", "err: c"])
      }))
  })
}
