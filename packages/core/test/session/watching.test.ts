/** What a watch tells, and which names its patterns match. */
import { FileSystem, ToolCall } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, FastCheck, Stream, TestClock } from "effect"
import * as namePattern from "../../src/internal/session/files/namePattern.js"

const event = (path: string) => ({ eventType: "create", path, pathType: "file" })

/** A session in which these paths are new at the second question, and another was before the first. */
const sessionOf = (paths: ReadonlyArray<string>) => {
  let asked = 0
  const toolCall = ToolCall.make(() =>
    Effect.sync(() => {
      asked += 1
      const text = JSON.stringify([[], [event("/w/old.ts")], paths.map(event)][asked] ?? [])
      return { reply: { content: [{ type: "text" as const, text }], isError: false }, requestId: undefined }
    })
  )
  return { fileSystem: FileSystem.make(toolCall), asked: () => asked }
}

describe("a watch", () => {
  const paths = ["/w/a.ts", "/w/b.js", "/w/src/c.ts", "/w/src/deep/d.ts", "/w/.hidden"]
  const cases: ReadonlyArray<readonly [string, FileSystem.WatchDirectoryOptions, ReadonlyArray<string>]> = [
    ["/w", {}, paths],
    ["/w", { recursive: false }, ["/w/a.ts", "/w/b.js", "/w/.hidden"]],
    ["/w/", { include: ["*.ts"] }, ["/w/a.ts", "/w/src/c.ts", "/w/src/deep/d.ts"]],
    ["/w", { include: ["*.ts"], recursive: false }, ["/w/a.ts"]],
    ["/w", { include: ["src/*"] }, ["/w/src/c.ts"]],
    ["/w", { include: ["src/**", "b.?s"] }, ["/w/b.js", "/w/src/c.ts", "/w/src/deep/d.ts"]],
    ["/w", { include: ["**/*.ts"] }, ["/w/a.ts", "/w/src/c.ts", "/w/src/deep/d.ts"]],
    ["/", { include: ["w/*"] }, ["/w/a.ts", "/w/b.js", "/w/.hidden"]]
  ]
  it.effect.each(cases)(
    "of %s with %j tells what was asked for, after ready",
    ([directory, options, expected]) =>
      Effect.gen(function*() {
        const { fileSystem } = sessionOf(paths)
        const watched = fileSystem.watchDirectory(directory, options).pipe(Stream.interruptAfter("10 seconds"))
        const fiber = yield* Effect.fork(Stream.runCollect(watched))
        yield* TestClock.adjust("11 seconds")
        const [ready, ...told] = Chunk.toReadonlyArray(yield* fiber)
        assert.deepStrictEqual(ready, { eventType: "ready", path: directory, pathType: "directory" })
        assert.deepStrictEqual(told.map(({ path }) => path), expected)
      })
  )

  it.effect("refuses options by name before it asks", () =>
    Effect.gen(function*() {
      const { asked, fileSystem } = sessionOf([])
      const wrong: ReadonlyArray<readonly [string, object]> = [
        ["interval", { interval: 0 }],
        ["recursive", { recursive: "no" }],
        ["include", { include: "*.ts" }],
        ["include", { include: [] }],
        ["include", { include: [""] }],
        ["include", { include: [5] }],
        ["include", { include: ["a".repeat(1025)] }],
        ["exclude", { exclude: ["*.ts"] }]
      ]
      for (const [field, options] of wrong) {
        const outcome = yield* Effect.match(Stream.runHead(fileSystem.watchDirectory("/w", options)), {
          onFailure: (error) => error._tag === "InvalidRequestError" ? error.field : error._tag,
          onSuccess: () => "not refused"
        })
        assert.strictEqual(outcome, field)
      }
      assert.strictEqual(asked(), 0)
    }))
})

describe("a pattern of names", () => {
  const names = FastCheck.string({ unit: FastCheck.constantFrom("a", "b", ".", "é", "🎈", "[", "+") })
  const paths = FastCheck.array(names.filter((name) => name !== ""), { minLength: 1, maxLength: 5 })

  it.prop("without wildcards matches itself alone", [names, names], ([name, other]) => {
    assert.strictEqual(namePattern.compile(name)(other), name === other)
  })

  it.prop("matches parts of names, and folders", [paths, names], ([parts, suffix]) => {
    const path = parts.join("/")
    const last = parts.at(-1) ?? ""
    assert.isTrue(namePattern.compile(`${last}*`)(path + suffix))
    assert.isTrue(namePattern.compile(`**/${last}`)(path))
    assert.isTrue(namePattern.compile("**/**")(path))
    assert.strictEqual(namePattern.compile("*/*")(path), parts.length === 2)
    assert.isFalse(namePattern.compile(`**/${last}`)(`x${last}`))
    assert.strictEqual(
      namePattern.compile(parts.map(() => "?").join("/"))(path),
      parts.every((part) => [...part].length === 1)
    )
  })

  it("takes no more steps than characters of the pattern for each of the path", () => {
    assert.isFalse(namePattern.compile(`${"*a".repeat(200)}b`)("a".repeat(5000)))
    assert.isFalse(namePattern.compile(`${"**/".repeat(100)}b`)("a/".repeat(2000)))
  })
})
