/** What a person does on a session's page, and on the runtime's, in a real browser. */
import { Agb, Session } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, Scope, Stream } from "effect"
import type { Page } from "playwright-core"
import {
  browserLayer,
  entryWith,
  gone,
  hasBrowser,
  missingBrowser,
  openAddress,
  runInCell,
  seen,
  until
} from "../support/browser.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1", labels: { task: "report" } }

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

const screenOf = (page: Page) => page.locator(".xterm-rows").innerText()

/** The seconds left that the page shows. */
const secondsLeft = async (page: Page): Promise<number> => {
  const [, minutes, seconds] = /ends in (\d+):(\d+)/.exec(await page.locator(".idle").innerText()) ?? []
  return Number(minutes) * 60 + Number(seconds)
}

/** Draws the whole screen, again when its size changes, until `q` is pressed: as editors do. */
const fullScreen = `
import os, signal, sys, tty
def draw(*_):
    columns, rows = os.get_terminal_size()
    sys.stdout.write(f"\\033[2J\\033[1;1H\\033[7m{columns}x{rows}\\033[0m\\033[{rows};{columns - 5}Hcorner")
    sys.stdout.flush()
tty.setcbreak(0)
sys.stdout.write("\\033[?1049h")
signal.signal(signal.SIGWINCH, draw)
draw()
while os.read(0, 1) != b"q": pass
sys.stdout.write("\\033[?1049l")
`

describe.skipIf(!hasBrowser)(`a page${missingBrowser}`, () => {
  layer(Layer.merge(layerWith(best), browserLayer), { excludeTestServices: true })((it) => {
    it.scoped("shows processes with their logs, and kills them", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const process = yield* session.command.startDetached("echo is ready; sleep 1000", { key: "server" })
        const { faults, page } = yield* openAddress(session.resourceUrl)
        yield* go(async () => {
          await page.getByRole("tab", { name: "Processes" }).click()
          const list = page.getByRole("tabpanel", { name: "Processes" })
          const row = list.getByRole("listitem").filter({ has: page.getByText("server", { exact: true }) }).first()
          await (await seen(row)).getByRole("button", { name: "Logs" }).click()
          await seen(row.getByRole("group", { name: "Logs" }).getByText("is ready"))
          await row.getByRole("button", { name: "Kill" }).click()
          await page.getByRole("dialog").getByRole("button", { name: "Kill" }).click()
          await seen(row.getByText("ended by SIGKILL"))
          assert.deepStrictEqual(faults, [])
        })
        assert.strictEqual((yield* process.exit).exitCode, 137)
      }))

    it.scoped("has a terminal on a pseudo-terminal, which follows the size of the window", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const { faults, page } = yield* openAddress(session.resourceUrl)
        yield* go(async () => {
          await page.getByRole("tab", { name: "Terminal" }).click()
          await seen(page.locator(".xterm-rows"))
          const size = async (): Promise<string> => {
            await page.keyboard.type("clear; echo \"<$(stty size)>\"\n")
            const screen = await until(() => screenOf(page), (text) => /<\d+ \d+>/.test(text))
            return /<\d+ \d+>/.exec(screen)?.[0] ?? screen
          }
          const before = await size()
          await page.setViewportSize({ width: 1000, height: 600 })
          const after = await until(size, (text) => text !== before)
          assert.notStrictEqual(after, before)
          await page.keyboard.type("stty -echo; tty; exit\n")
          await seen(page.getByText("the shell has ended"))
          assert.match(await screenOf(page), /\/dev\/pts\/\d+/)
          await page.getByRole("button", { name: "New shell" }).click()
          await seen(page.getByText("leaves the terminal"))
          assert.deepStrictEqual(faults, [])
        })
      }))

    it.scoped("has a terminal in which programs draw the whole screen", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        yield* session.fileSystem.writeFile("/tmp/full.py", fullScreen)
        const { faults, page } = yield* openAddress(session.resourceUrl)
        const rows = page.locator(".xterm-rows > div")
        /** The size that it has drawn for, with its last row drawn, once that is another one. */
        const drawn = (before = "") =>
          until(async () => {
            const texts = await rows.allInnerTexts()
            const [size = before] = /^\d+x\d+/.exec(texts[0] ?? "") ?? []
            return texts.at(-1)?.trim() === "corner" && size.endsWith(`x${texts.length}`) ? size : before
          }, (size) => size !== before)
        yield* go(async () => {
          await page.getByRole("tab", { name: "Terminal" }).click()
          await seen(page.locator(".xterm-rows"))
          await page.keyboard.type("echo be''fore; python3 /tmp/full.py\n")
          const before = await drawn()
          assert.match(before, /^\d+x\d+$/)
          await page.setViewportSize({ width: 1100, height: 700 })
          assert.notStrictEqual(await drawn(before), before)
          await page.keyboard.type("q")
          assert.include(await until(() => screenOf(page), (text) => text.includes("before")), "before")
          assert.notInclude(await screenOf(page), "corner")
          assert.deepStrictEqual(faults, [])
        })
      }))

    it.scoped("keeps what is typed before its shell is reached", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const { page } = yield* openAddress(session.resourceUrl)
        yield* go(async () => {
          let reach = () => {}
          await page.routeWebSocket(/\/api\/terminal/, (socket) =>
            new Promise<void>((reached) => {
              reach = () => {
                socket.connectToServer()
                reached()
              }
            }))
          await page.reload()
          await page.getByRole("tab", { name: "Terminal" }).click()
          await seen(page.locator(".xterm-rows"))
          await page.keyboard.type("echo $((40 + 2)) is early\n")
          reach()
          assert.include(await until(() => screenOf(page), (text) => text.includes("42 is early")), "42 is early")
        })
      }))

    it.scoped("shows labels, use and the time left, keeps the session alive, and tells its end", () =>
      Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const session = yield* Session.make(params)
        const { page } = yield* openAddress(session.resourceUrl)
        yield* go(async () => {
          await seen(page.getByRole("list", { name: "Labels" }).getByText("report"))
          await seen(page.getByRole("img", { name: /^Memory: [\d.]+ [KM]iB/ }))
          const full = await until(() => secondsLeft(page), (seconds) => seconds > 0)
          const later = await until(() => secondsLeft(page), (seconds) => seconds < full - 3)
          await page.getByRole("button", { name: "Keep alive" }).click()
          await seen(page.getByRole("button", { name: "Kept alive" }))
          assert.isAbove(await until(() => secondsLeft(page), (seconds) => seconds > later), later)
          await runInCell(page, "print('stays', 'readable')")
          await seen(entryWith(page, "stays readable"))
          await page.getByRole("button", { name: "End session" }).click()
          await page.getByRole("dialog").getByRole("button", { name: "End session" }).click()
          await seen(page.getByText("The session has ended"))
          await seen(entryWith(page, "stays readable"))
          await gone(page.getByLabel("Code to run"))
          assert.strictEqual(await page.getByRole("button", { name: "Keep alive" }).count(), 0)
          await gone(page.getByRole("dialog"))
        })
        const alive = yield* Stream.runCollect(agb.list())
        assert.notInclude(Array.from(alive, ({ sessionId }) => sessionId), session.sessionId)
      }))

    it.scoped("of the runtime lists the live sessions and opens them", () =>
      Effect.gen(function*() {
        const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
        const one = yield* Session.make(params)
        const url = yield* go(async () => {
          const response = await fetch(new URL("/pages", endpoint), {
            method: "POST",
            headers: { authorization: `Bearer ${Redacted.value(apiKey)}`, "content-type": "application/json" },
            body: JSON.stringify({ access: "steer" })
          })
          return (await response.json() as { readonly url: string }).url
        })
        const { context, faults, page } = yield* openAddress(url)
        yield* go(() => seen(page.getByRole("listitem").filter({ hasText: one.sessionId })))
        const scope = yield* Scope.make()
        const two = yield* Scope.extend(Session.make(params), scope)
        yield* go(async () => {
          const row = await seen(page.getByRole("listitem").filter({ hasText: two.sessionId }).first())
          const opened = context.waitForEvent("page")
          await row.getByRole("button", { name: `Open read-only ${two.sessionId}` }).click()
          const other = await opened
          await seen(other.getByText("read-only", { exact: true }))
          assert.include(other.url(), two.sessionId)
          assert.deepStrictEqual(faults, [])
        })
        yield* Scope.close(scope, Exit.void)
        yield* go(() => gone(page.getByRole("listitem").filter({ hasText: two.sessionId })))
      }))
  })
})
