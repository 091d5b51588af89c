/** What code needs from outside its sandbox, in every kind of sandbox there is here. */
import type { Language } from "@effect-agb/core/AgbTools"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll } from "vitest"
import { type Available, nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { defaultLimits } from "../../src/internal/sandbox/confine/rootfs.js"
import { findInterpreters } from "../../src/internal/sandbox/languages/interpreterSearch.js"
import * as JavaArchive from "../../src/internal/sandbox/languages/javaArchive.js"
import { make, type Sandbox } from "../../src/internal/sandbox/sandbox.js"
import { type Isolation, probeAll } from "../../src/Isolation.js"

const confined = process.platform === "linux" ? await Effect.runPromise(probeAll) : []
const first = confined[0]
const found = first === undefined ? nodeOnly : await Effect.runPromise(findInterpreters(first.confinement))

/** The Python of the system comes with matplotlib, where that is installed. */
const systemPython: Available = { _tag: "Available", path: "/usr/bin/python3", version: "3", folders: [] }
const drawsFigures = ["/usr/bin/python3", "/usr/lib/python3/dist-packages/matplotlib"].every((path) =>
  Fs.existsSync(path)
)

const nameOf = ({ confinement, mechanism }: Isolation) =>
  confinement._tag === "Unconfined" ? "none" : `${mechanism} (${confinement.entry})`

const refused = /Read-only|Permission denied/

/** The user of a sandbox must be able to come to it. */
const cache = Fs.mkdtempSync("/tmp/agb-cache-")
Fs.chmodSync(cache, 0o755)
afterAll(() => Fs.rmSync(cache, { recursive: true, force: true }))

const appears = (path: string) =>
  Effect.sync(() => Fs.existsSync(path)).pipe(
    Effect.repeat({ until: (exists) => exists, schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutFail({ duration: "10 minutes", onTimeout: () => new Error(`${path} did not appear`) })
  )

const run = (sandbox: Sandbox, language: Language, code: string) =>
  Effect.map(sandbox.call({ op: "runCode", language, code, timeoutMs: 60_000 }), ({ value }) => {
    const { error, results } = value as { error: unknown; results: ReadonlyArray<Record<string, unknown>> }
    assert.isNull(error, JSON.stringify(error))
    return results
  })

const shell = (sandbox: Sandbox, command: string) =>
  Effect.map(sandbox.call({ op: "shell", command, timeoutMs: 120_000 }), ({ body }) => Buffer.from(body).toString())

describe.skipIf(confined.length === 0).each(confined.map((isolation) => [nameOf(isolation), isolation] as const))(
  "code in a sandbox, %s",
  (_, isolation) => {
    const hasFiles = isolation.confinement._tag === "Bwrap" || isolation.confinement._tag === "Unshare"

    it.scopedLive.skipIf(!hasFiles)("sizes its heap by the memory of the session", () =>
      Effect.gen(function*() {
        const memoryBytes = 2 ** 30
        const sandbox = yield* make({ isolation, interpreters: found, limits: { ...defaultLimits, memoryBytes } })
        assert.strictEqual(yield* shell(sandbox, "cat /sys/fs/cgroup/memory.max"), `${memoryBytes}\n`)
        const heap = yield* shell(
          sandbox,
          "node -p 'process.constrainedMemory(), v8.getHeapStatistics().heap_size_limit'"
        )
        assert.isBelow(Number(heap), memoryBytes)
        if (found.java._tag === "Missing") return
        const java = yield* shell(sandbox, "java -XX:+PrintFlagsFinal -version 2>&1 | grep -E ' MaxHeapSize|Picked'")
        assert.match(java, /^\s*size_t MaxHeapSize\s+= 268435456\s[^\n]*\n$/)
        const compiler = "$(dirname $(dirname $(readlink -f $(which java))))/bin/javac -version"
        assert.match(yield* shell(sandbox, compiler), /^javac \d+/)
      }))

    it.scopedLive("may be TypeScript", () =>
      Effect.gen(function*() {
        const sandbox = yield* make({ isolation, interpreters: nodeOnly })
        const [result] = yield* run(sandbox, "javascript", "enum E { A = 41 }\nconst one: number = 1\nE.A + one")
        assert.strictEqual(result?.["text/plain"], "42")
        assert.match(yield* shell(sandbox, "rm -f /opt/agb/node_modules/@swc/wasm-typescript/wasm.js 2>&1"), refused)
      }))

    it.scopedLive.skipIf(!drawsFigures)("draws figures", () =>
      Effect.gen(function*() {
        const sandbox = yield* make({ isolation, interpreters: { ...nodeOnly, python: systemPython } })
        const [result] = yield* run(sandbox, "python", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
        assert.isTrue(String(result?.["image/png"]).startsWith("iVBORw0KGgo"))
      }))

    it.scopedLive.skipIf(found.java._tag === "Missing")(
      "starts Java from an archive that it cannot change",
      () =>
        Effect.gen(function*() {
          const javaArchive = yield* JavaArchive.make(found.java, cache)
          const folder = javaArchive.folder ?? assert.fail("there is no place for the archive")
          const sandbox = yield* make({ isolation, interpreters: found, javaArchive })
          yield* run(sandbox, "java", "1 + 1")
          yield* appears(Path.join(folder, "kernel.jsa"))
          const fresh = yield* make({ isolation, interpreters: found, javaArchive })
          const maps = "java.nio.file.Files.readString(java.nio.file.Path.of(\"/proc/self/maps\"))"
          const [result] = yield* run(fresh, "java", `${maps}.contains("/opt/agb/java/kernel.jsa")`)
          assert.strictEqual(result?.["text/plain"], "true")
          for (const attempt of ["rm -f /opt/agb/java/kernel.jsa", "echo x > /opt/agb/java/Kernel.class"]) {
            assert.match(yield* shell(fresh, `${attempt} 2>&1`), refused)
          }
        }),
      // The build has a low priority: where everything is busy, it waits for everything.
      900_000
    )
  }
)
