/** `agb open` as its users start it, beside an `agb local`. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Http from "node:http"
import { agb as anywhere, lines } from "./support/agb.js"
import { shareServer } from "./support/shared.js"

const { session, agb, path, server } = await shareServer()

const agbWith = (env: Record<string, string>, ...args: ReadonlyArray<string>) =>
  anywhere(args, { ...server.env, ...env })

/** The status of a page's address for who comes first. */
const enter = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const { host, pathname, port, search } = new URL(url)
    Http.get({ host: "127.0.0.1", port, path: `${pathname}${search}`, headers: { host } }, (reply) => {
      reply.resume()
      resolve(reply.statusCode ?? 0)
    }).on("error", reject)
  })

describe("agb open", () => {
  it("prints an address of a session's page, which works once", async () => {
    const { code, stderr, stdout } = await agb("open", "--print", "-s", session)
    assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
    const url = stdout.trim()
    assert.match(url, new RegExp(`^http://${session}\\.localhost:\\d+/\\?resourceId=[\\w-]+&authcode=[\\da-f]{32}$`))
    assert.strictEqual(await enter(url), 303)
    assert.strictEqual(await enter(url), 404)
    const [json] = lines((await agb("open", "--json", "--read-only", "-s", session)).stdout)
    assert.strictEqual(await enter(String(json?.["url"])), 303)
  })

  it("prints an address of the runtime's page, and fails for a session that is not there", async () => {
    const url = (await agb("open", "--print")).stdout.trim()
    assert.match(url, /^http:\/\/runtime\.localhost:\d+\/\?authcode=[\da-f]{32}$/)
    assert.strictEqual(await enter(url), 303)
    const missing = await agb("open", "--print", "-s", "s-none")
    assert.strictEqual(missing.code, 1)
    assert.match(missing.stderr, /s-none is not found/)
  })

  it("hands the address to the browser of the system, and prints it where there is none", async () => {
    const bin = path("bin")
    Fs.mkdirSync(bin, { recursive: true })
    Fs.writeFileSync(`${bin}/xdg-open`, `#!/bin/sh\nprintf %s "$1" >"${bin}/opened"\n`, { mode: 0o755 })
    const opened = await agbWith({ PATH: `${bin}:/usr/bin:/bin` }, "open", "-s", session)
    assert.deepStrictEqual(opened, { code: 0, stdout: "", stderr: "" })
    assert.strictEqual(await enter(Fs.readFileSync(`${bin}/opened`, "utf8")), 303)
    const none = await agbWith({ PATH: "/nowhere" }, "open", "-s", session)
    assert.strictEqual(none.code, 0)
    assert.strictEqual(await enter(none.stdout.trim()), 303)
  })
})
