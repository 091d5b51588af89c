import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { blocksOf, deadEnd, linksOf, page, pages, root } from "./support/markdown.js"
import { complaintsOf } from "./support/typecheck.js"

const blocks = pages.flatMap(blocksOf)
const checked = blocks.filter(({ info }) => info === "ts")

describe("the code in the documentation", () => {
  it("compiles", () => {
    assert.isAbove(checked.length, 30)
    assert.deepStrictEqual(complaintsOf(checked), [])
  }, 300_000)

  it("is checked but for a few fragments", () => {
    const unchecked = blocks.filter(({ info }) => info.startsWith("ts ")).map(({ line, page }) => `${page}:${line}`)
    assert.isAtMost(unchecked.length, 3, unchecked.join(", "))
  })

  it("would not compile if it were wrong", () => {
    const code = `import { Session } from "@effect-agb/core"\n\nexport const wrong = Session.layer({ image: 1 })\n`
    const [complaint = "", ...others] = complaintsOf([{ page: "README.md", info: "ts", line: 10, code }])
    assert.match(complaint, /^README\.md:12: .*'image' does not exist/)
    assert.deepStrictEqual(others, [])
  }, 300_000)
})

describe("the README", () => {
  const examples = blocksOf(page("README.md")).filter(({ info }) => info === "ts")

  it("has for its first examples programs that are run by the tests", () => {
    const files = ["quickstart", "quickstartPromise"].map((name) =>
      readFileSync(join(root, "examples", "src", `${name}.ts`), "utf8")
    )
    assert.deepStrictEqual(examples.slice(0, 2).map(({ code }) => code), files)
  })
})

describe("links between pages", () => {
  for (const page of pages) {
    it(page.path, () => {
      assert.deepStrictEqual(linksOf(page).flatMap((link) => deadEnd(page, link) ?? []), [])
    })
  }
})
