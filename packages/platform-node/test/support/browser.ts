/** Pages in a real browser: Debian's Chromium, without a screen. */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Context from "effect/Context"
import { existsSync } from "node:fs"
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core"
import { chromium } from "playwright-core"

const programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

const program = [process.env["AGB_CHROMIUM"], ...programs].find((path) => path !== undefined && existsSync(path))

/** Why tests in a browser are skipped here, as a part of their name. */
export const missingBrowser = program === undefined ? ", which needs Chromium" : ""

export const hasBrowser = program !== undefined

/** Patience costs nothing where nothing waits. */
const patience = 300_000

class ChromiumBrowser extends Context.Tag("test/ChromiumBrowser")<ChromiumBrowser, Browser>() {}

/** Root has no sandbox of Chromium's own; what pages may do to each other is the same without it. */
const launch = () =>
  chromium.launch({
    executablePath: program ?? "chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
  })

export const browserLayer = Layer.scoped(
  ChromiumBrowser,
  Effect.acquireRelease(Effect.promise(launch), (browser) => Effect.promise(() => browser.close()))
)

export interface OpenTab {
  readonly page: Page
  readonly context: BrowserContext
  /** What the page has thrown, or its policy refused. */
  readonly faults: ReadonlyArray<string>
}

/** A profile of its own, which is gone with the scope. */
export const newProfile = (options: BrowserContextOptions = {}) =>
  Effect.gen(function*() {
    const browser = yield* ChromiumBrowser
    const permissions = ["clipboard-read", "clipboard-write"]
    const open = () => browser.newContext({ viewport: { width: 1280, height: 860 }, permissions, ...options })
    const context = yield* Effect.acquireRelease(
      Effect.promise(open),
      (context) => Effect.promise(() => context.close())
    )
    context.setDefaultTimeout(patience)
    return context
  })

export const openTab = (url: string, context: BrowserContext) =>
  Effect.promise(async (): Promise<OpenTab> => {
    const page = await context.newPage()
    const faults: Array<string> = []
    page.on("pageerror", (error) => faults.push(String(error)))
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text())
    })
    await page.goto(url)
    return { page, context, faults }
  })

/** An address in a profile of its own. */
export const openAddress = (url: string, options: BrowserContextOptions = {}) =>
  Effect.flatMap(newProfile(options), (context) => openTab(url, context))

/** Waits until it can be seen. */
export const seen = async (locator: Locator): Promise<Locator> => {
  await locator.first().waitFor({ state: "visible" }).catch(() => assert.fail(`${locator} is not to be seen`))
  return locator
}

/** Waits until there is none. */
export const gone = (locator: Locator): Promise<void> =>
  locator.first().waitFor({ state: "detached" }).catch(() => assert.fail(`${locator} is still there`))

/** The newest entry that shows a text. */
export const entryWith = (page: Page, text: string | RegExp): Locator =>
  page.getByRole("article").filter({ hasText: text }).last()

/** Waits until something is so; for what the page has no event for. */
export const until = async <A>(look: () => Promise<A>, isSo: (value: A) => boolean): Promise<A> => {
  const start = Date.now()
  for (;;) {
    const value = await look()
    if (isSo(value) || Date.now() - start > patience) return value
    await new Promise((resume) => setTimeout(resume, 50))
  }
}

/** Types code into the cell and runs it. */
export const runInCell = async (page: Page, code: string, language = "python"): Promise<void> => {
  await page.getByLabel("Language").selectOption(language)
  await page.getByLabel("Code to run").fill(code)
  await page.getByLabel("Code to run").press("Shift+Enter")
}
