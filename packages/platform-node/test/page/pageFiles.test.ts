/** The files of a session on its page, in a real browser. */
import { Session } from "@effect-agb/core"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readFile } from "node:fs/promises"
import type { Page } from "playwright-core"
import { browserLayer, gone, hasBrowser, missingBrowser, openAddress, seen, until } from "../support/browser.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1" }

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8DAAMIMEAoAHvkD/TiEYAoAAAAASUVORK5CYII="

const markup = "<table><tr><td>cell of a table</td></tr></table><p id=told></p><script>" +
  "try { told.append(parent.document.title) } catch { told.append('kept out') }</script>"

const notebook = JSON.stringify({
  cells: [
    { cell_type: "markdown", source: ["# A heading\n", "and a text"] },
    {
      cell_type: "code",
      execution_count: 7,
      source: "1 + 1",
      outputs: [
        { output_type: "display_data", data: { "image/png": pixel, "text/plain": "a figure" } },
        { output_type: "execute_result", data: { "text/html": [markup], "text/plain": "a table" } }
      ]
    }
  ],
  nbformat: 4
})

const files: ReadonlyArray<readonly [string, string | Uint8Array]> = [
  ["/tmp/all/table.csv", "name,people\nOslo,\"700,000\"\nBergen,290000\n"],
  ["/tmp/all/ünï <b>cöde<b>.txt", "text of it\n"],
  ["/tmp/all/picture.png", Buffer.from(pixel, "base64")],
  ["/tmp/all/book.ipynb", notebook],
  ["/tmp/all/values.json", "{\"list\": [1, {\"deep\": true}]}"],
  ["/tmp/all/program.bin", Buffer.from([0, 1, 2, 3])],
  ["/tmp/all/long.txt", "0123456789abcde\n".repeat(32 * 1024)]
]

const prepared = Effect.gen(function*() {
  const session = yield* Session.make(params)
  yield* session.fileSystem.createDirectory("/tmp/all")
  for (const [path, content] of files) yield* session.fileSystem.writeFile(path, content)
  const tab = yield* openAddress(session.resourceUrl)
  yield* go(async () => {
    await tab.page.getByRole("treeitem", { name: "tmp" }).click()
    await tab.page.getByRole("treeitem", { name: "all" }).click()
  })
  return { session, ...tab }
})

const open = async (page: Page, name: string) => {
  await page.getByRole("treeitem", { name }).click()
  return seen(page.getByRole("region", { name: `Preview of /tmp/all/${name}` }))
}

describe.skipIf(!hasBrowser)(`the files of a page${missingBrowser}`, () => {
  layer(Layer.merge(layerWith(best), browserLayer), { excludeTestServices: true })((it) => {
    it.scoped("are a tree, and are shown as what they are", () =>
      Effect.gen(function*() {
        const { faults, page } = yield* prepared
        yield* go(async () => {
          const table = await open(page, "table.csv")
          await seen(table.getByRole("columnheader", { name: "people" }))
          await seen(table.getByRole("cell", { name: "700,000" }))
          await seen((await open(page, "ünï <b>cöde<b>.txt")).getByText("text of it"))
          const picture = (await open(page, "picture.png")).getByRole("img")
          await seen(picture)
          const width = () => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)
          assert.strictEqual(await until(width, (width) => width > 0), 2)
          const book = await open(page, "book.ipynb")
          await seen(book.getByText("# A heading"))
          await seen(book.getByText("[7]"))
          await seen(book.getByRole("img", { name: "Figure: a figure" }))
          const frame = await seen(book.locator("iframe"))
          assert.strictEqual(await frame.getAttribute("sandbox"), "allow-scripts")
          await seen(book.frameLocator("iframe").getByText("cell of a table"))
          await seen(book.frameLocator("iframe").getByText("kept out"))
          const height = await until(() => frame.evaluate((element) => element.clientHeight), (height) => height < 200)
          assert.isBelow(height, 200)
          const values = await open(page, "values.json")
          await values.getByText("[ 2 items ]").click()
          // The one inside the list; the first is the whole value.
          await values.getByText("{ 1 field }").nth(1).click()
          await seen(values.getByText("true"))
          await values.getByRole("button", { name: "Show as text" }).click()
          await seen(values.getByText("{\"list\": [1, {\"deep\": true}]}"))
          await seen((await open(page, "program.bin")).getByText("This file is not text"))
          await seen((await open(page, "long.txt")).getByText("The first 256 KiB of 512 KiB."))
          assert.deepStrictEqual(faults, [])
        })
      }))

    it.scoped("are downloaded whole, and deleted after a question", () =>
      Effect.gen(function*() {
        const { page, session } = yield* prepared
        yield* go(async () => {
          const preview = await open(page, "long.txt")
          const waiting = page.waitForEvent("download")
          await preview.getByRole("link", { name: "Download" }).click()
          const download = await waiting
          assert.strictEqual(download.suggestedFilename(), "long.txt")
          assert.strictEqual((await readFile(await download.path())).length, 512 * 1024)
          await preview.getByRole("button", { name: "Delete" }).click()
          await page.getByRole("button", { name: "Cancel" }).click()
          await seen(page.getByRole("treeitem", { name: "long.txt" }))
          await page.getByRole("treeitem", { name: "long.txt" }).press("Delete")
          await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
          await gone(page.getByRole("treeitem", { name: "long.txt" }))
        })
        assert.isFalse(yield* session.fileSystem.exists("/tmp/all/long.txt"))
      }))

    it.scoped("are uploaded by the button and by dropping them on a folder", () =>
      Effect.gen(function*() {
        const { page, session } = yield* prepared
        yield* go(async () => {
          await page.getByRole("treeitem", { name: "table.csv" }).click()
          const chooser = page.waitForEvent("filechooser")
          await page.getByRole("button", { name: "Upload into /tmp/all" }).click()
          await (await chooser).setFiles([
            { name: "one.txt", mimeType: "text/plain", buffer: Buffer.from("first") },
            { name: "two ü.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(3_000_000, 7) }
          ])
          await seen(page.getByRole("treeitem", { name: "two ü.bin" }))
          const transfer = await page.evaluateHandle(() => {
            const transfer = new DataTransfer()
            transfer.items.add(new File(["dropped"], "drop.txt"))
            return transfer
          })
          const folder = page.locator("[data-path='/tmp']")
          await folder.dispatchEvent("dragover", { dataTransfer: transfer })
          await folder.dispatchEvent("drop", { dataTransfer: transfer })
          await seen(page.getByRole("treeitem", { name: "drop.txt" }))
        })
        assert.strictEqual(yield* session.fileSystem.readFile("/tmp/all/one.txt"), "first")
        assert.strictEqual(yield* session.fileSystem.readFile("/tmp/drop.txt"), "dropped")
        const { size } = yield* session.fileSystem.getFileInfo("/tmp/all/two ü.bin")
        assert.strictEqual(size, 3_000_000)
      }))
  })
})
