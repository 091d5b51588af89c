/** What a hostile session answers through a link: at worst it is refused, and neither the server nor the session ends. */
import { Session } from "@effect-agb/core"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { best, layerWith, none } from "../support/runtime.js"

const answered = (head: string) => `HTTP/1.1 ${head}\r\nContent-Length: 2\r\n\r\nok`

/** Each is more, or less, than a reply may be made of. */
const answers: Readonly<Record<string, readonly [bytes: string, expected: readonly [status: number, body?: string]]>> =
  {
    "a reason that is no text": [answered("200 O\x01K"), [200, "ok"]],
    "a status below all": [answered("099 x"), [502]],
    "a trailer where there can be none": [answered("200 OK\r\nTrailer: x"), [200, "ok"]],
    "another protocol": ["HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nok", [502]],
    "two lengths": [answered("200 OK\r\nTransfer-Encoding: chunked"), [502]],
    "a control character in a header": [answered("200 OK\r\nX: a\x01b"), [502]],
    "no HTTP": ["\x00\x01\x02\r\n\r\n", [502]],
    "headers that are about its own connection": [
      answered("200 OK\r\nConnection: keep-alive, x\r\nKeep-Alive: timeout=1e9\r\nProxy-Authenticate: x"),
      [200, "ok"]
    ],
    "cookies of other links": [
      answered("200 OK\r\nSet-Cookie: agb-link-30000=x; Path=/\r\nset-cookie: own=1\r\nClear-Site-Data: \"*\""),
      [200, "ok"]
    ],
    "a second answer": [answered("200 OK") + answered("500 No"), [200, "ok"]]
  }

const titles = Object.keys(answers)
const firstPort = 30_100

/** One port for each answer, which is given before and after it has been asked for. */
const program = (isEarly: boolean) => `
const answers = ${JSON.stringify(Object.values(answers).map(([bytes]) => bytes))}
let waiting = answers.length
answers.forEach((bytes, index) => require("node:net").createServer((socket) => {
  const answer = () => socket.write(Buffer.from(bytes, "latin1"))
  socket.on("error", () => {})
  if (${isEarly}) answer()
  else socket.once("data", answer)
}).listen(${firstPort} + index, () => --waiting || require("node:fs").writeFileSync("ready", "ready")))
`

const get = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(url)
    return { status: response.status, headers: response.headers, body: await response.text() }
  })

/** Where there are no sockets at all there is nothing to link to. */
const isolation = best.level === "landlock" ? none : best

layer(layerWith(isolation), { timeout: "1 minute" })("a session that answers a link with", (it) => {
  it.scoped.each([false, true])(
    "what no reply is made of is refused, and harms nobody (early: %s)",
    (isEarly) =>
      Effect.gen(function*() {
        const session = yield* Session.make({ imageId: "agb-code-space-1" })
        yield* session.fileSystem.writeFile("/tmp/server.cjs", program(isEarly))
        const start = "nohup node \"$TMPDIR/server.cjs\" >/dev/null 2>&1 & until test -s ready; do sleep 0.05; done"
        yield* session.command.executeCommand(start, { timeout: "20 seconds" })
        for (const [index, title] of titles.entries()) {
          const [, [status, body]] = answers[title]!
          const reply = yield* get(yield* session.getLink({ port: firstPort + index }))
          assert.strictEqual(reply.status, status, title)
          if (body !== undefined) assert.strictEqual(reply.body, body, title)
          for (const name of ["proxy-authenticate", "clear-site-data"]) assert.isNull(reply.headers.get(name), title)
          assert.notInclude(reply.headers.get("set-cookie") ?? "", "agb-link-30000", title)
          if (title === "cookies of other links") assert.include(reply.headers.get("set-cookie"), "own=1")
        }
        const { stdout } = yield* session.command.executeCommand("echo still here", { timeout: "10 seconds" })
        assert.strictEqual(stdout, "still here\n")
      })
  )
})
