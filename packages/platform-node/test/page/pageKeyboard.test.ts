/** The page by keyboard alone, to screen readers, and in a narrow window, in a real browser. */
import { Session } from "@effect-agb/core"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Page } from "playwright-core"
import { browserLayer, entryWith, hasBrowser, missingBrowser, openAddress, seen, until } from "../support/browser.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1", labels: { task: "report" } }

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

interface Finding {
  readonly id: string
  readonly nodes: ReadonlyArray<{ readonly target: ReadonlyArray<string>; readonly failureSummary?: string }>
}

/** What axe-core finds wrong, by the rules of WCAG 2.2 AA and good practice; frames of no origin are not looked into. */
const findings = async (page: Page): Promise<ReadonlyArray<string>> => {
  // The policy of the page lets no script in, so it is evaluated by the browser's tools.
  await page.evaluate(axe)
  const violations = await page.evaluate(async () => {
    const { run } = (globalThis as unknown as {
      axe: { run: (context: object, options: object) => Promise<{ violations: unknown }> }
    }).axe
    const { violations } = await run({ exclude: ["iframe"] }, { iframes: false, resultTypes: ["violations"] })
    return JSON.parse(JSON.stringify(violations)) as unknown
  }) as ReadonlyArray<Finding>
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ failureSummary, target }) => `${id}: ${target.join(" ")} ${failureSummary ?? ""}`)
  )
}

const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "")

const filled = Effect.gen(function*() {
  const session = yield* Session.make(params)
  yield* session.code.runCode("import json\nprint('\\x1b[33myellow\\x1b[0m \\x1b[90mgrey\\x1b[0m')\n[1, 2]", "python")
  yield* session.command.executeCommand("echo wrong >&2; exit 2", { acceptExitCodes: [2] })
  yield* Effect.either(session.code.runCode("raise ValueError('bad')", "python"))
  yield* session.fileSystem.writeFile("/tmp/table.csv", "name,people\nOslo,1\n")
  yield* session.command.startDetached("sleep 1000", { key: "server" })
  return session
})

describe.skipIf(!hasBrowser)(`a page${missingBrowser}`, () => {
  layer(Layer.merge(layerWith(best), browserLayer), { excludeTestServices: true })((it) => {
    it.scoped("can be used by keyboard alone", () =>
      Effect.gen(function*() {
        const session = yield* filled
        const { page } = yield* openAddress(session.resourceUrl)
        yield* go(async () => {
          await seen(entryWith(page, "ValueError"))
          await page.keyboard.press("Tab")
          assert.strictEqual(await focused(page), "Skip to the timeline")
          await page.keyboard.press("Enter")
          await page.keyboard.press("c")
          assert.strictEqual(await until(() => focused(page), (name) => name === "Code to run"), "Code to run")
          await page.keyboard.type("print('by', 'keys')")
          await page.keyboard.press("Control+Enter")
          await seen(entryWith(page, "by keys"))
          await page.keyboard.press("Escape")
          await page.keyboard.press("n")
          assert.include(await focused(page), "by keys")
          await page.keyboard.press("k")
          assert.notInclude(await focused(page), "by keys")
          await page.keyboard.press("/")
          assert.strictEqual(await until(() => focused(page), (name) => name === "Filter by text"), "Filter by text")
          await page.keyboard.press("Escape")
          await page.getByRole("region", { name: "What ran" }).focus()
          await page.keyboard.press("f")
          assert.strictEqual(await until(() => focused(page), (name) => name === "Files"), "Files")
          await page.keyboard.press("ArrowRight")
          assert.strictEqual(await focused(page), "Processes")
          await page.keyboard.press("Home")
          await page.getByRole("treeitem").first().focus()
          await page.keyboard.press("t")
          assert.match(await focused(page), /^tmp/)
          await page.keyboard.press("ArrowRight")
          await seen(page.getByRole("treeitem", { name: "table.csv" }))
          await page.keyboard.press("t")
          await page.keyboard.press("Enter")
          await seen(page.getByRole("columnheader", { name: "people" }))
        })
      }))

    it.scoped("lets the keyboard out of the terminal and out of dialogs, and single keys be turned off", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const { page } = yield* openAddress(session.resourceUrl)
        yield* go(async () => {
          await seen(page.getByLabel("Code to run"))
          await page.getByRole("tab", { name: "Terminal" }).click()
          await seen(page.locator(".xterm-rows"))
          await until(() => focused(page), (name) => name === "Terminal input")
          // Echoes what is typed, keys of functions too.
          await page.keyboard.type("cat -v\n")
          await seen(page.locator(".xterm-rows", { hasText: "cat -v" }))
          await page.keyboard.press("F6")
          assert.notStrictEqual(await focused(page), "Terminal input")
          await page.locator(".xterm-helper-textarea").focus()
          await page.keyboard.type("typed\n")
          const screen = await until(() => page.locator(".xterm-rows").innerText(), (text) => text.includes("typed"))
          assert.include(screen, "typed")
          assert.notInclude(screen, "17~")
          await page.getByRole("button", { name: "Keyboard" }).focus()
          await page.keyboard.press("?")
          await seen(page.getByRole("dialog", { name: "Keyboard" }))
          await page.getByLabel("Single keys work").uncheck()
          await page.keyboard.press("Escape")
          await page.getByRole("dialog").waitFor({ state: "detached" })
          assert.strictEqual(await focused(page), "Keyboard")
          await page.keyboard.press("f")
          // What the key had done would be drawn before the dialog.
          await page.getByRole("button", { name: "Keyboard" }).click()
          await seen(page.getByRole("dialog", { name: "Keyboard" }))
          assert.strictEqual(await page.getByRole("tab", { name: "Terminal", selected: true }).count(), 1)
        })
      }))

    for (const colorScheme of ["light", "dark"] as const) {
      it.scoped(`has no fault that axe-core knows, ${colorScheme}`, () =>
        Effect.gen(function*() {
          const session = yield* filled
          const { page } = yield* openAddress(session.resourceUrl, { colorScheme, reducedMotion: "reduce" })
          yield* go(async () => {
            await seen(entryWith(page, "ValueError"))
            await page.getByRole("treeitem", { name: "tmp" }).click()
            await page.getByRole("treeitem", { name: "table.csv" }).click()
            await seen(page.getByRole("columnheader", { name: "people" }))
            assert.deepStrictEqual(await findings(page), [])
            await page.getByRole("tab", { name: "Processes" }).click()
            await (await seen(page.getByRole("button", { name: "Logs" }).first())).click()
            assert.deepStrictEqual(await findings(page), [])
            await page.getByRole("button", { name: "Keyboard" }).click()
            assert.deepStrictEqual(await findings(page), [])
            await page.keyboard.press("Escape")
            await page.getByRole("tab", { name: "Terminal" }).click()
            await seen(page.locator(".xterm-rows"))
            assert.deepStrictEqual(await findings(page), [])
          })
        }))
    }

    it.scoped("fits into a window of 360 pixels", () =>
      Effect.gen(function*() {
        const session = yield* filled
        const { page } = yield* openAddress(session.resourceUrl, { viewport: { width: 360, height: 740 } })
        const isTooWide = () =>
          page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
        yield* go(async () => {
          await seen(entryWith(page, "ValueError"))
          for (const name of ["Timeline", "Files", "Processes", "Terminal"]) {
            await page.getByRole("tab", { name }).click()
            assert.isFalse(await isTooWide(), name)
            assert.deepStrictEqual(await findings(page), [], name)
          }
          await page.getByText("About").click()
          await seen(page.getByRole("button", { name: "End session" }))
          assert.isFalse(await isTooWide())
        })
      }))
  })
})
