/** Attacks in a real browser: by what a session displays, by other sites, by other sessions' pages, by those who may only read. */
import { Session } from "@effect-agb/core"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import type { Page } from "playwright-core"
import {
  browserLayer,
  entryWith,
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

/** Tries everything that a script could do to the page around it, and writes down what came of it. */
const hostile = `
<p id="told"></p>
<script>
const tell = (name, result) => document.getElementById("told").append(name + "=" + result + "; ")
const attempt = (name, work) => { try { tell(name, work() === undefined ? "nothing" : "DONE") } catch { tell(name, "refused") } }
attempt("document", () => parent.document.body.innerHTML)
attempt("cookie", () => document.cookie)
attempt("storage", () => localStorage.length)
attempt("top", () => { top.location = "https://example.com/"; return undefined })
attempt("open", () => window.open("https://example.com/") ?? undefined)
const asynchronous = (name, work) => work().then(() => tell(name, "DONE"), () => tell(name, "refused"))
const socket = () => new Promise((resolve, reject) => {
  const opened = new WebSocket("ws://" + HOST + "/api/live")
  opened.onopen = resolve
  opened.onerror = reject
})
const image = () => new Promise((resolve, reject) => {
  const shown = new Image()
  shown.onload = resolve
  shown.onerror = reject
  shown.src = "http://" + HOST + "/assets/x.png"
})
const HOST = "@host@"
Promise.all([
  asynchronous("fetch", () => fetch("http://" + HOST + "/api/session", { credentials: "include" })),
  asynchronous("post", () => fetch("http://" + HOST + "/api/run", { method: "POST", mode: "no-cors", credentials: "include", body: "{}" })),
  asynchronous("socket", socket),
  asynchronous("image", image)
]).then(() => {
  const form = document.createElement("form")
  form.action = "http://" + HOST + "/api/keep-alive"
  form.method = "post"
  form.target = "_top"
  document.body.append(form)
  form.submit()
  setInterval(() => parent.postMessage({ agbFrameHeight: 1e9 }, "*"), 20)
  tell("all", "tried")
})
</script>`

const python = (html: string) => `
class Hostile:
    def _repr_html_(self): return ${JSON.stringify(html)}
display(Hostile())`

/** Another program on this machine that serves a page. */
const otherSite = Effect.acquireRelease(
  Effect.async<Http.Server>((resume) => {
    const server = Http.createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>other</title><p>other")
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => void server.close())
)

/** What a script in a page gets from a session's page of which it knows the host. */
const attackFrom = (page: Page, host: string) =>
  page.evaluate(async (host) => {
    const told = async (work: () => Promise<unknown>) => work().then(String, () => "refused")
    const json = { "content-type": "application/json" }
    const body = JSON.stringify({ language: "python", code: "print('taken', 'over')" })
    const run = `http://${host}/api/run`
    const opened = (path: string) =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://${host}${path}`)
        socket.onopen = () => resolve("OPENED")
        socket.onerror = reject
      })
    const framed = () =>
      new Promise((resolve) => {
        const frame = document.createElement("iframe")
        frame.onload = () => setTimeout(() => resolve(frame.contentWindow?.length === 0 ? "refused" : "FRAMED"), 200)
        frame.src = `http://${host}/`
        document.body.append(frame)
      })
    return {
      read: await told(async () => (await fetch(`http://${host}/api/session`, { credentials: "include" })).text()),
      post: await told(() => fetch(run, { method: "POST", credentials: "include", headers: json, body })),
      blind: await told(async () => {
        await fetch(run, { method: "POST", mode: "no-cors", credentials: "include", body })
        return "sent"
      }),
      live: await told(() => opened("/api/live")),
      terminal: await told(() => opened("/api/terminal?columns=80&rows=24")),
      framed: await told(framed)
    }
  }, host)

describe.skipIf(!hasBrowser)(`attacks on a page${missingBrowser}`, () => {
  layer(Layer.merge(layerWith(best), browserLayer), { excludeTestServices: true })((it) => {
    it.scoped("by what the session displays reach neither the page nor the server", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const host = new URL(session.resourceUrl).host
        const { context, page } = yield* openAddress(session.resourceUrl)
        const before = page.url()
        yield* session.code.runCode(python(hostile.replace("@host@", host)), "python")
        yield* go(async () => {
          const frame = entryWith(page, "Hostile").locator("iframe")
          await seen(frame)
          const told = page.frameLocator("iframe").locator("#told")
          const text = await until(async () => await told.textContent() ?? "", (text) => text.includes("all=tried"))
          assert.include(text, "all=tried")
          assert.notInclude(text, "DONE")
          for (const name of ["document", "cookie", "storage", "fetch", "post", "socket", "image"]) {
            assert.include(text, `${name}=refused`)
          }
          // The height that it asks for is bounded.
          const height = await until(() => frame.evaluate((element) => element.clientHeight), (height) => height > 700)
          assert.isAtMost(height, 800)
          assert.strictEqual(page.url(), before)
          assert.strictEqual(context.pages().length, 1)
          assert.strictEqual(await page.getByRole("article").count(), 1)
        })
      }))

    it.scoped("by texts stay texts", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const markup = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
        yield* session.code.runCode(
          `# ${markup}\nprint(${JSON.stringify(markup)})\n${JSON.stringify(markup)}`,
          "python"
        )
        yield* session.fileSystem.writeFile(`/tmp/${markup.replaceAll("/", "")}`, markup)
        const { page } = yield* openAddress(session.resourceUrl)
        yield* go(async () => {
          await seen(entryWith(page, "onerror"))
          await page.getByRole("treeitem", { name: "tmp" }).click()
          await page.getByRole("treeitem", { name: "onerror" }).click()
          await seen(page.locator(".file-text"))
          assert.strictEqual(await page.locator("img[src=x]").count(), 0)
          assert.notStrictEqual(await page.title(), "taken")
        })
      }))

    it.scoped("by other sites and by another session's page get nothing and do nothing", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const neighbour = yield* Session.make(params)
        const host = new URL(session.resourceUrl).host
        const site = yield* otherSite
        const context = yield* newProfile()
        // The browser has a cookie of both pages.
        const { page } = yield* openTab(session.resourceUrl, context)
        yield* go(() => seen(page.getByLabel("Code to run")))
        const other = yield* openTab(neighbour.resourceUrl, context)
        yield* go(() => seen(other.page.getByLabel("Code to run")))
        const { port } = site.address() as AddressInfo
        const foreign = yield* openTab(`http://localhost:${port}/`, context)
        for (const attacker of [foreign.page, other.page]) {
          const { framed, ...results } = yield* go(() => attackFrom(attacker, host))
          assert.deepStrictEqual(
            { ...results, blind: "" },
            { read: "refused", post: "refused", live: "refused", terminal: "refused", blind: "" }
          )
          assert.strictEqual(framed, "refused")
        }
        yield* session.command.executeCommand("echo the last")
        yield* go(() => seen(entryWith(page, "the last")))
        assert.strictEqual(yield* go(() => page.getByRole("article").count()), 1)
      }))

    it.scoped("by somebody who may only read change nothing", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const { page } = yield* openAddress(session.resourceUrl)
        yield* session.command.executeCommand("echo seen by all")
        const address = yield* go(async () => {
          await page.getByRole("button", { name: "Copy read-only address" }).click()
          await seen(page.getByRole("button", { name: "Address copied" }))
          return page.evaluate(() => navigator.clipboard.readText())
        })
        const reader = yield* openAddress(address)
        yield* go(async () => {
          await seen(entryWith(reader.page, "seen by all"))
          await seen(reader.page.getByText("read-only", { exact: true }))
          for (
            const name of ["Keep alive", "End session", "Upload", "Run", "Copy read-only address", "Edit in the cell"]
          ) {
            assert.strictEqual(await reader.page.getByRole("button", { name }).count(), 0, name)
          }
          assert.strictEqual(await reader.page.getByRole("tab", { name: "Terminal" }).count(), 0)
          const statuses = await reader.page.evaluate(async () => {
            const ask = async (method: string, path: string, body: unknown) =>
              (await fetch(path, { method, body: JSON.stringify(body) })).status
            return [
              await ask("POST", "/api/run", { language: "python", code: "1" }),
              await ask("POST", "/api/command", { command: "true" }),
              await ask("PUT", "/api/file?path=/tmp/x", {}),
              await ask("DELETE", "/api/file?path=/tmp", {}),
              await ask("POST", "/api/keep-alive", {}),
              await ask("POST", "/api/addresses", { access: "steer" }),
              await ask("DELETE", "/api/session", {})
            ]
          })
          assert.deepStrictEqual(statuses, statuses.map(() => 403))
          const terminal = await reader.page.evaluate(() =>
            new Promise((resolve) => {
              const socket = new WebSocket(`ws://${location.host}/api/terminal?columns=80&rows=24`)
              socket.onopen = () => resolve("OPENED")
              socket.onerror = () => resolve("refused")
            })
          )
          assert.strictEqual(terminal, "refused")
        })
        yield* go(() => runInCell(page, "print('still', 'here')"))
        yield* go(() => seen(entryWith(reader.page, "still here")))
      }))

    it.scoped("with an address that was used get nothing; it is in no history", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const { page } = yield* openAddress(session.resourceUrl)
        yield* go(() => seen(page.getByLabel("Code to run")))
        const thief = yield* openAddress(session.resourceUrl)
        assert.match(yield* go(() => thief.page.locator("body").innerText()), /^Nothing here\./)
        yield* go(async () => {
          assert.notInclude(page.url(), "authcode")
          assert.strictEqual(await page.evaluate(() => document.cookie), "")
          assert.strictEqual(await page.evaluate(() => document.referrer), "")
          await page.goBack().catch(() => null)
          assert.notInclude(page.url(), "authcode")
        })
      }))
  })
})
