/** Displayed values as typed values, files and texts. */
import { AgbError, type Code, RichResult } from "@effect-agb/core"
import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Option } from "effect"
import { character } from "../support/characters.js"

const png = Uint8Array.of(137, 80, 78, 71)

const item = (data: Readonly<Record<string, unknown>>, isMainResult = false): AgbError.CodeResultItem => ({
  data,
  isMainResult
})

const figure = item({ "text/plain": "<Figure>", "image/png": "iVBO\nRw==" })

describe("representations", () => {
  it("are typed by MIME type", () => {
    const given = item({
      "text/plain": "text",
      "image/png": "iVBORw==",
      "image/svg+xml": "<svg/>",
      "application/json": { a: [1] },
      "application/vnd.vegalite.v5+json": { mark: "bar" },
      "application/x-unknown": "?",
      "image/jpeg": "no base64!",
      "text/html": 7
    })
    assert.deepStrictEqual(RichResult.representations(given), [
      { _tag: "Text", mimeType: "text/plain", text: "text" },
      { _tag: "Binary", mimeType: "image/png", bytes: png },
      { _tag: "Text", mimeType: "image/svg+xml", text: "<svg/>" },
      { _tag: "Json", mimeType: "application/json", value: { a: [1] } },
      { _tag: "Json", mimeType: "application/vnd.vegalite.v5+json", value: { mark: "bar" } },
      { _tag: "Text", mimeType: "application/x-unknown", text: "?" },
      { _tag: "Unreadable", mimeType: "image/jpeg", content: "no base64!" },
      { _tag: "Unreadable", mimeType: "text/html", content: 7 }
    ])
  })

  it("are found by type, and by how much they say", () => {
    assert.deepStrictEqual(
      RichResult.get(figure, "image/png"),
      Option.some({
        _tag: "Binary" as const,
        mimeType: "image/png",
        bytes: png
      })
    )
    assert.isUndefined(Option.getOrUndefined(RichResult.get(figure, "constructor")))
    const best = (data: object) => Option.getOrUndefined(RichResult.best(item({ ...data })))?.mimeType
    assert.strictEqual(best({ "text/plain": "a", "image/png": "iVBORw==" }), "image/png")
    assert.strictEqual(best({ "text/plain": "a", "text/html": "b", "image/png": "no base64!" }), "text/html")
    assert.strictEqual(best({ "text/plain": "a", "application/json": 1 }), "application/json")
    assert.strictEqual(best({ "text/plain": "a", "application/x-unknown": "b" }), "application/x-unknown")
    assert.strictEqual(best({ "text/plain": "a" }), "text/plain")
    assert.strictEqual(best({}), undefined)
  })
})

describe("saveAs", () => {
  const saved = (self: AgbError.CodeResultItem | RichResult.Representation, path: string) =>
    Effect.suspend(() => {
      const files: Array<readonly [string, Uint8Array]> = []
      const layer = FileSystem.layerNoop({
        writeFile: (path, bytes) => Effect.sync(() => void files.push([path, bytes]))
      })
      return Effect.map(RichResult.saveAs(self, path), (path) => ({ path, files })).pipe(Effect.provide(layer))
    })

  it.effect("writes bytes, text and JSON under the extension of their type", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* saved(figure, "/tmp/chart"), {
        path: "/tmp/chart.png",
        files: [["/tmp/chart.png", png]]
      })
      assert.strictEqual((yield* saved(figure, "/tmp/chart.PNG")).path, "/tmp/chart.PNG")
      assert.strictEqual((yield* saved(item({ "image/jpeg": "iVBORw==" }), "a.jpeg")).path, "a.jpeg")
      const json = yield* saved(item({ "application/json": { a: 1 } }), "v1.2")
      assert.deepStrictEqual([json.path, new TextDecoder().decode(json.files[0]?.[1])], ["v1.2.json", "{\"a\":1}"])
      const plain = RichResult.representations(figure)[0]
      if (plain === undefined) return assert.fail("nothing")
      assert.strictEqual((yield* saved(plain, "a")).path, "a.txt")
    }))

  it.effect("refuses what is no file, and what has nothing to save", () =>
    Effect.gen(function*() {
      for (const path of ["", "/tmp/", "a\0"]) {
        const error = yield* Effect.flip(saved(figure, path))
        assert.deepInclude(error, { _tag: "InvalidRequestError", field: "path" })
      }
      for (const nothing of [item({}), item({ "image/png": "no base64!" }), null as never, {} as never, "x" as never]) {
        assert.deepInclude(yield* Effect.flip(saved(nothing, "a")), { _tag: "InvalidRequestError", field: "item" })
      }
    }))
})

describe("show", () => {
  const result = (fields: Partial<Code.CodeResult>) => ({ stdout: "", stderr: "", results: [], ...fields })

  it("tells output and values, images by their size, and no control characters", () => {
    const results = [figure, item({ "application/json": [1, 2] }), item({ "text/plain": "42", "text/html": "x" }, true)]
    assert.strictEqual(
      RichResult.show(result({ stdout: "out\u001b[2J", stderr: "err\n", results })),
      "out\\u001b[2J\nerr\n<Figure>\n[image/png, 4 bytes]\n[1,2]\n42"
    )
    const error = new AgbError.CommandExitError({ operation: "x", stdout: "a", stderr: "b", exitCode: 1 })
    assert.strictEqual(RichResult.show(error), "a\nb")
  })

  it("cuts a long text in its middle", () => {
    const shown = RichResult.show(result({ stdout: `begin${"x".repeat(1_000_000)}end` }), { maxCharacters: 100 })
    assert.strictEqual(shown.length, 100)
    assert.match(shown, /^beginx+\n\[cut, 1,000,008 characters in all\]\nx+end$/)
  })

  it.prop(
    "is never longer than asked for",
    [FastCheck.string({ unit: character }), FastCheck.nat(80)],
    ([text, max]) => {
      const shown = RichResult.show(result({ stdout: text }), { maxCharacters: max })
      assert.isAtMost(shown.length, max)
    }
  )
})

describe("base64", () => {
  it.prop("gives back every byte", [FastCheck.uint8Array()], ([bytes]) => {
    const content = Buffer.from(bytes).toString("base64")
    assert.deepStrictEqual(
      RichResult.get(item({ "image/png": content }), "image/png"),
      Option.some({
        _tag: "Binary" as const,
        mimeType: "image/png",
        bytes
      })
    )
  })
})
