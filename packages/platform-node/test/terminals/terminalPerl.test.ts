/** Terminals and code contexts in sessions without Python, which Perl holds open. */
import { Session } from "@effect-agb/core"
import * as AgbContract from "@effect-agb/core/AgbContract"
import { assert, it, layer } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { failsWith } from "../support/failsWith.js"
import { layerWith, none } from "../support/runtime.js"
import { watch } from "../support/screen.js"

const imageId = "agb-code-space-1"

/** Sessions that find all programs of this machine but those with a name. */
const layerWithout = (name: RegExp) =>
  Layer.unwrapScoped(Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const folder = Fs.mkdtempSync(join(tmpdir(), "agb-programs-"))
        for (const directory of ["/usr/bin", "/bin"]) {
          for (const program of Fs.readdirSync(directory)) {
            const link = join(folder, program)
            if (!name.test(program) && !Fs.existsSync(link)) Fs.symlinkSync(join(directory, program), link)
          }
        }
        const before = process.env.PATH
        process.env.PATH = folder
        return { before, folder }
      }),
      ({ before, folder }) =>
        Effect.sync(() => {
          if (before === undefined) delete process.env.PATH
          else process.env.PATH = before
          Fs.rmSync(folder, { recursive: true })
        })
    ),
    () => layerWith(none, { poolSize: 1 })
  ))

const timeout = 180_000

const hasPerl = Fs.existsSync("/usr/bin/perl")

if (hasPerl) {
  layer(layerWithout(/^(python|pyenv)/), { excludeTestServices: true, timeout })("without Python", (it) => {
    const cases = AgbContract.cases({ languages: ["javascript"] })
    for (const { group, missing, name, needs, run } of cases) {
      const isOf = group === "terminals" || group === "codeContexts" && needs === "javascript"
      if (isOf && missing === undefined) it.scoped(name, () => run, { timeout })
    }

    it.scoped("many bytes go both ways, and a slow reader holds up the command", () =>
      Effect.gen(function*() {
        const { command, terminal } = yield* Session.make({ imageId })
        const { stdout } = yield* command.executeCommand("command -v python3 || echo none")
        assert.strictEqual(stdout, "none\n")
        const writer = yield* terminal.open(
          "stty raw -echo; exec perl -e 'print chr(($_ * $_ + ($_ >> 9)) % 251) for 0 .. (1 << 21) - 1'"
        )
        const expected = Buffer.from(Uint8Array.from({ length: 2 ** 21 }, (_, i) => (i * i + (i >> 9)) % 251))
        const paused = Stream.tap(writer.output, () => Effect.sleep("20 millis"))
        assert.isTrue(Buffer.concat([...(yield* Stream.runCollect(paused))]).equals(expected))
        assert.strictEqual((yield* writer.exit).exitCode, 0)

        const input = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `${index} ü`).join("\n"))
        const copier = yield* terminal.open(`stty raw -echo; printf 'ready '; exec head -c ${input.length}`)
        const screen = yield* watch(copier)
        yield* screen.until(/ready /)
        yield* Stream.run(Stream.make(input.subarray(0, 1001), input.subarray(1001)), copier.input)
        yield* screen.ended
        assert.isTrue(screen.bytes().equals(Buffer.concat([Buffer.from("ready "), input])))
      }), { timeout })

    it.scoped.skipIf(!Fs.existsSync("/usr/bin/less"))(
      "less draws its screen again after a change of size",
      () =>
        Effect.gen(function*() {
          const { terminal } = yield* Session.make({ imageId })
          const pager = yield* terminal.open("seq 1 500 | less", { columns: 40, rows: 8 })
          const screen = yield* watch(pager)
          yield* screen.until(/\n7\r\n:/)
          yield* pager.resize(40, 16)
          yield* screen.until(/\n15\r\n:/)
          yield* pager.write("q")
          assert.strictEqual((yield* pager.exit).exitCode, 0)
        }),
      { timeout }
    )
  })
} else it.skip("not run: sessions without Python, since Perl is not installed", () => {})

it.live(
  "a session without Python and Perl says which programs would do",
  () =>
    Session.use({ imageId }, ({ code, terminal }) =>
      Effect.gen(function*() {
        const refused = yield* failsWith(Effect.scoped(terminal.open("bash")), "ProcessError")
        assert.strictEqual(refused.reason, "Unsupported")
        assert.include(refused.message, "the session has no python3 or perl")
        const python = yield* failsWith(Effect.scoped(code.context({ language: "python" })), "ProcessError")
        assert.include(python.message, "the session has no python3")
      })).pipe(Effect.provide(layerWithout(/^(python|pyenv|perl)/))),
  timeout
)
