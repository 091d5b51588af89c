import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { blocksOf, deadEnd, linksOf, page, pages, root } from "./support/markdown.js"
import { complaintsOf } from "./support/typecheck.js"

const blocks = pages.flatMap(blocksOf)

const wrong = {
  page: "wrong.md",
  info: "ts",
  line: 10,
  code: `import { Session } from "@effect-agb/core"\n\nexport const wrong = Session.layer({ image: 1 })\n`
}

describe("the code on the pages", () => {
  it("compiles, each block as a module of its own", () => {
    const checked = blocks.filter(({ info }) => info === "ts")
    assert.isAbove(checked.length, 30)
    const complaints = complaintsOf([...checked, wrong])
    assert.deepStrictEqual(complaints.filter((complaint) => !complaint.startsWith("wrong.md")), [])
    assert.strictEqual(complaints.length, 1, "code that is wrong is noticed")
    assert.match(complaints[0] ?? "", /^wrong\.md:12: .*'image' does not exist/)
  })

  it("is checked, but for a few fragments", () => {
    const unchecked = blocks.filter(({ info }) => info.startsWith("ts ")).map(({ line, page }) => `${page}:${line}`)
    assert.isAtMost(unchecked.length, 3, unchecked.join(", "))
  })
})

describe("the README", () => {
  const readme = page("README.md")

  it("begins with programs that are among the examples, which are run", () => {
    const files = ["quickstart", "quickstartPromise"].map((name) =>
      readFileSync(join(root, "examples", "src", `${name}.ts`), "utf8")
    )
    const first = blocksOf(readme).filter(({ info }) => info === "ts").slice(0, 2)
    assert.deepStrictEqual(first.map(({ code }) => code), files)
  })

  it("installs the versions that are tested", () => {
    const workspace = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8")
    const installs = [...readme.text.matchAll(/npm install .*/g)].join("\n")
    const named = installs.matchAll(/ (@?[\w/-]+)@(\d[\d.]*)/g)
    const versions = new Map([...named].map(([, name = "", version = ""]) => [name, version]))
    assert.includeMembers([...versions.keys()], ["effect", "@effect/platform", "@effect/vitest", "vitest"])
    for (const [name, version] of versions) {
      assert.match(workspace, new RegExp(`^ *"?${name}"?: ${version.replaceAll(".", "\\.")}(\\.|$)`, "m"), name)
    }
  })
})

describe("the page about the local runtime", () => {
  const flagsIn = (text: string) => [...new Set([...text.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag))].sort()

  it("names the options of agb-local, all of them and no others", () => {
    const source = readFileSync(join(root, "packages/platform-node/src/internal/cli/arguments.ts"), "utf8")
    const [, usage = ""] = /usage: string = `([^`]*)`/.exec(source) ?? []
    assert.deepStrictEqual(flagsIn(page("docs/local-runtime.md").text), flagsIn(usage))
  })
})

describe("links lead somewhere", () => {
  for (const page of pages) {
    it(page.path, () => {
      assert.deepStrictEqual(linksOf(page).flatMap((link) => deadEnd(page, link) ?? []), [])
    })
  }
})
