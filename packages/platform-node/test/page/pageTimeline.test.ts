/** What ran, seen in a real browser. */
import { Session } from "@effect-agb/core"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import {
  browserLayer,
  entryWith,
  gone,
  hasBrowser,
  missingBrowser,
  newProfile,
  openAddress,
  openTab,
  runInCell,
  seen,
  until
} from "../support/browser.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1" }

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8DAAMIMEAoAHvkD/TiEYAoAAAAASUVORK5CYII="

const displays = `
import base64
class Figure:
    def _repr_png_(self): return base64.b64decode("${pixel}")
class Table:
    def _repr_html_(self): return "<table><tr><td>cell of a table</td></tr></table>"
print("héllo")
display(Figure())
display(Table())
`

/** Prints lines until told to end; the last is told from all others. */
const counting = (file: string) => `
import os, time
count = 0
while not os.path.exists("${file}"):
    print("line", count, flush=True)
    count += 1
    time.sleep(0.02)
print("all of", count, flush=True)
`

/** The numbers of the lines that an entry shows. */
const linesIn = async (page: Page): Promise<{ readonly lines: ReadonlyArray<number>; readonly all: number }> => {
  const text = await entryWith(page, "all of").getByRole("group", { name: "Output" }).innerText()
  return {
    lines: [...text.matchAll(/^line (\d+)$/gm)].map(([, number]) => Number(number)),
    all: Number(/^all of (\d+)$/m.exec(text)?.[1])
  }
}

const first = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

describe.skipIf(!hasBrowser)(`the timeline of a page${missingBrowser}`, () => {
  layer(Layer.merge(layerWith(best), browserLayer), { excludeTestServices: true })((it) => {
    it.scoped("shows what clients ran, with figures, tables, colours, exit codes and errors", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        yield* session.code.runCode(displays, "python")
        yield* session.command.executeCommand("printf '\\033[31mred\\033[0m plain'; exit 3", { acceptExitCodes: [3] })
        yield* Effect.either(session.code.runCode("def f():\n    return 1 / 0\nf()", "python"))
        yield* session.fileSystem.writeFile("/tmp/notes.txt", "some notes")
        const { faults, page } = yield* openAddress(session.resourceUrl)
        yield* go(async () => {
          const code = await seen(entryWith(page, "héllo"))
          const figure = await seen(code.getByRole("img", { name: "Figure" }))
          assert.strictEqual(
            await until(() => figure.evaluate((image: HTMLImageElement) => image.naturalWidth), (width) => width > 0),
            2
          )
          const frame = await seen(code.locator("iframe"))
          assert.strictEqual(await frame.getAttribute("sandbox"), "allow-scripts")
          await seen(code.frameLocator("iframe").getByText("cell of a table"))
          // The frame tells its height, which is less than what a frame has that tells nothing.
          const height = await until(() => frame.evaluate((element) => element.clientHeight), (height) => height < 200)
          assert.isBelow(height, 200)
          const command = await seen(entryWith(page, "exit code 3"))
          assert.strictEqual(await command.locator(".fg-ansi-1").innerText(), "red")
          const failed = await seen(entryWith(page, "ZeroDivisionError"))
          assert.include(await failed.getByRole("group", { name: "Traceback" }).innerText(), "return 1 / 0")
          const written = await seen(entryWith(page, "some notes"))
          await written.getByRole("button", { name: "/tmp/notes.txt" }).click()
          await seen(page.getByRole("region", { name: "Preview of /tmp/notes.txt" }).getByText("some notes"))
          assert.deepStrictEqual(faults, [])
        })
      }))

    it.scoped("runs code from its cell in the session's kernel, and shows output as it comes", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        yield* session.code.runCode("kept = 'from the client'", "python")
        const { faults, page } = yield* openAddress(session.resourceUrl)
        yield* go(() => runInCell(page, counting("/tmp/go") + "print(kept)"))
        const entry = yield* go(() => seen(page.locator("article.running", { hasText: "line 3" })))
        assert.include(yield* go(() => entry.innerText()), "from this page")
        yield* session.fileSystem.writeFile("/tmp/go", "")
        yield* go(async () => {
          const ended = await seen(page.locator("article.succeeded", { hasText: "all of" }))
          assert.include(await ended.getByRole("group", { name: "Output" }).innerText(), "from the client")
          const id = ended.getByRole("button", { name: "Copy request id" })
          await id.click()
          const copied = await until(() => page.evaluate(() => navigator.clipboard.readText()), (text) => text !== "")
          assert.strictEqual(await id.getAttribute("aria-label"), `Copy request id ${copied}`)
          await page.getByLabel("Code to run").press("ArrowUp")
          assert.include(await page.getByLabel("Code to run").inputValue(), "print(kept)")
          await runInCell(page, "echo $((6 * 7)) >&2; exit 4", "command")
          await seen(entryWith(page, "exit code 4").getByText("42"))
          assert.deepStrictEqual(faults, [])
        })
      }))

    it.scoped("loses nothing to a reload in the middle of a run", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const { page } = yield* openAddress(session.resourceUrl)
        yield* go(() => runInCell(page, counting("/tmp/go")))
        yield* go(() => seen(page.getByText("line 3")))
        yield* go(() => page.reload())
        yield* go(() => seen(page.locator("article.running", { hasText: "line 5" })))
        yield* session.fileSystem.writeFile("/tmp/go", "")
        const { all, lines } = yield* go(async () => {
          await seen(page.locator("article.succeeded", { hasText: "all of" }))
          return linesIn(page)
        })
        assert.deepStrictEqual(lines, first(all))
      }))

    it.scoped("loses nothing to a lost connection in the middle of a run, and says so", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        yield* session.code.runCode("'before'", "python")
        const context = yield* newProfile()
        let isDown = false
        let drop = () => {}
        yield* go(() =>
          context.routeWebSocket(/\/api\/live/, (socket) => {
            if (isDown) return void socket.close({ code: 4000 })
            socket.connectToServer()
            drop = () => void socket.close({ code: 4000 })
          })
        )
        const { page } = yield* openTab(session.resourceUrl, context)
        yield* go(() => runInCell(page, counting("/tmp/go")))
        yield* go(() => seen(page.getByText("line 3")))
        isDown = true
        drop()
        yield* go(() => seen(page.getByText("The connection is lost.")))
        yield* session.fileSystem.writeFile("/tmp/go", "")
        yield* session.code.runCode("'after'", "python")
        isDown = false
        const { all, lines } = yield* go(async () => {
          await page.getByRole("button", { name: "Try now" }).click({ timeout: 2000 }).catch(() => {})
          await seen(page.locator("article.succeeded", { hasText: "all of" }))
          await gone(page.getByText("The connection is lost."))
          return linesIn(page)
        })
        assert.deepStrictEqual(lines, first(all))
        yield* go(() => seen(page.locator("article", { hasText: "'after'" })))
        assert.strictEqual(yield* go(() => page.locator("article", { hasText: "'before'" }).count()), 1)
      }))

    it.scoped("follows the newest until somebody scrolls up, and filters", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        for (const number of first(30)) yield* session.command.executeCommand(`echo number ${number}`)
        const { page } = yield* openAddress(session.resourceUrl)
        const scroller = page.getByRole("region", { name: "What ran" })
        const isAtEnd = () =>
          scroller.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 4)
        yield* go(async () => {
          await seen(page.getByText("number 29", { exact: true }))
          assert.isTrue(await until(isAtEnd, (value) => value))
          await scroller.hover()
          await page.mouse.wheel(0, -1500)
          await seen(page.getByRole("button", { name: "Newest" }))
        })
        yield* session.command.executeCommand("echo number thirty; exit 1", { acceptExitCodes: [1] })
        yield* go(async () => {
          await seen(page.getByRole("button", { name: "Newest (1 new)" }))
          assert.isFalse(await isAtEnd())
          await page.getByRole("button", { name: "Newest" }).click()
          assert.isTrue(await until(isAtEnd, (value) => value))
          await page.getByLabel("Filter by text").fill("number 17")
          assert.strictEqual(await until(() => page.getByRole("article").count(), (count) => count === 1), 1)
          await page.getByLabel("Filter by text").fill("")
          await page.getByLabel("Failed").check()
          assert.strictEqual(await until(() => page.getByRole("article").count(), (count) => count === 1), 1)
          await page.getByLabel("Kind").selectOption("code")
          await seen(page.getByText("Nothing matches the filter."))
        })
      }))

    it.scoped("stays small and usable under a flood of output", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const { page } = yield* openAddress(session.resourceUrl)
        yield* go(() =>
          runInCell(page, "for i in range(400_000): print('a line of output, and its number is', i)\nprint('the end')")
        )
        yield* go(async () => {
          await seen(page.locator("article.running", { hasText: "a line of output" }))
          await page.getByLabel("Filter by text").fill("line")
          await seen(page.locator("article.succeeded", { hasText: "the end" }))
          const output = await entryWith(page, "the end").getByRole("group", { name: "Output" }).textContent() ?? ""
          assert.isAtMost(output.length, 70_000)
          assert.isTrue(output.endsWith("the end\n"), output.slice(-100))
          await seen(page.getByText(/of output are no longer shown/))
          assert.isBelow(await page.evaluate(() => document.querySelectorAll("*").length), 1500)
        })
      }))
  })
})
