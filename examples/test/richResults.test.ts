import { Session } from "@effect-agb/core"
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { blocksOf, page } from "./support/markdown.js"

/** Each language has a block of code and, after it, what it displays as JSON. */
const examples = blocksOf(page("docs/rich-results.md")).flatMap((block, index, all) => {
  const expected = all[index + 1]
  return expected?.info === "json" ? [{ language: block.info, code: block.code, expected: expected.code }] : []
})

const Items = Schema.Array(Schema.Struct({
  data: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  isMainResult: Schema.Boolean
}))

type Items = typeof Items.Type

const decode = Schema.decodeUnknown(Schema.parseJson(Items))

/** `…` at the end of a text on the page stands for the rest of it. */
const abbreviated = (actual: unknown, expected: unknown): unknown =>
  typeof actual === "string" && typeof expected === "string" && expected.endsWith("…") &&
    actual.startsWith(expected.slice(0, -1))
    ? expected
    : actual

const asOnPage = (actual: Items, expected: Items): Items =>
  actual.map((item, index) => ({
    ...item,
    data: Object.fromEntries(
      Object.entries(item.data).map(([type, content]) => [type, abbreviated(content, expected[index]?.data[type])])
    )
  }))

const isolation = Isolation.probe("auto").pipe(Effect.orElseSucceed(() => "none" as const))
const local = Layer.unwrapEffect(Effect.map(isolation, (isolation) => LocalAgb.layer({ isolation })))

layer(local, { excludeTestServices: true })("the examples of rich results", (it) => {
  for (const { code, expected, language } of examples) {
    it.effect(language, (context) =>
      Effect.gen(function*() {
        const { languages } = yield* LocalAgb.LocalAgb
        const name = language === "js" ? "javascript" : language
        context.skip(!languages.some((known) => known === name), `${name} is not installed`)
        const run = yield* Session.use({ imageId: "agb-code-space-1" }, (session) => session.code.runCode(code, name))
        const wanted = yield* decode(expected)
        assert.deepStrictEqual(asOnPage(run.results, wanted), wanted)
      }))
  }

  it("are four", () => {
    assert.deepStrictEqual(examples.map(({ language }) => language), ["python", "js", "r", "java"])
  })
})
