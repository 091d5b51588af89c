/** `agb create`, `ls`, `info`, `rm`, `gc`, `cp` and `forward` as their users start them. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { lines, until } from "./support/agb.js"
import { shareServer } from "./support/shared.js"

const { session, agb, start, path, others } = await shareServer()

describe("agb create, ls, info, rm and gc", () => {
  it("manage the sessions of the account", async () => {
    const [created] = lines((await agb("create", "--json", "--label", "a=1")).stdout)
    const id = String(created?.["session"])
    assert.deepInclude(lines((await agb("ls", "--json")).stdout), { session: id, status: "RUNNING" })
    assert.strictEqual((await agb("ls", "--label", "a=1")).stdout, `${id}\tRUNNING\n`)
    const [info] = lines((await agb("info", "--json", id)).stdout)
    assert.deepInclude(info, { session: id, status: "RUNNING", labels: { a: "1" } })

    assert.deepStrictEqual(await agb("rm", id, "gone"), { code: 0, stdout: `${id}\ngone\n`, stderr: "" })
    assert.deepStrictEqual(await agb("ls", "--label", "a=1"), { code: 0, stdout: "", stderr: "" })
    const unsaved = await agb("rm", "--sync", id)
    assert.strictEqual(unsaved.code, 1)
    assert.match(unsaved.stderr, new RegExp(`^agb: ${id}: `))
  })

  it("list what a killed program has left behind, and delete it only with --force", async () => {
    const code = "console.log('begun'); await new Promise((go) => setTimeout(go, 600_000))"
    const { child, ended, says } = start("run", "-l", "js", "-c", code)
    await says(/begun/)
    const [id = ""] = (await others())[0] ?? []
    assert.match((await agb("gc")).stdout, new RegExp(`^${id}\tkept\t\tProgramRunning$`, "m"))

    // Its guardian, which would delete the session at once.
    const guardian = Number(Fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim())
    process.kill(guardian, "SIGSTOP")
    child.kill("SIGKILL")
    await ended
    const [listed] = lines((await agb("gc", "--json")).stdout)
    assert.include(listed, { session: id, action: "would delete", reason: "ProgramEnded" })
    assert.lengthOf(await others(), 1)
    assert.match((await agb("gc", "--force")).stdout, new RegExp(`^${id}\tdeleted\t\\S+\tProgramEnded\n$`))
    assert.deepStrictEqual(await others(), [])
    process.kill(guardian, "SIGKILL")
  })
})

describe("agb cp", () => {
  it("copies files and directories both ways, into directories that are there", async () => {
    Fs.mkdirSync(path("data", "deep"), { recursive: true })
    Fs.writeFileSync(path("data", "a.txt"), "a")
    Fs.writeFileSync(path("data", "deep", "b.bin"), Buffer.alloc(300_000, 7))
    Fs.symlinkSync("a.txt", path("data", "link"))
    await agb("exec", "-n", "-s", session, "--", "mkdir", "box")
    const sent = await agb("cp", "data", `${session}:box`)
    assert.deepStrictEqual(sent, {
      code: 0,
      stdout: "",
      stderr: "agb: left out, since they are neither files nor directories: link\n"
    })
    const [report] = lines((await agb("cp", "--json", `${session}:box/data/`, "back")).stdout)
    assert.deepStrictEqual(report, { target: "back", files: 2, bytes: 300_001, skipped: [] })
    assert.isTrue(Fs.readFileSync(path("back", "deep", "b.bin")).equals(Fs.readFileSync(path("data", "deep", "b.bin"))))

    await agb("cp", "data/a.txt", `${session}:notes.txt`)
    assert.strictEqual((await agb("exec", "-n", "-s", session, "--", "cat", "notes.txt")).stdout, "a")
    const missing = await agb("cp", "no-such-file", `${session}:/tmp`)
    assert.deepStrictEqual(missing, {
      code: 1,
      stdout: "",
      stderr: "agb: no-such-file: there is no such file or directory\n"
    })
    assert.strictEqual((await agb("cp", "a", "b")).code, 2)
  })
})

describe("agb forward", () => {
  it("makes a port of a session a port of this machine until it is interrupted", async () => {
    const port = 30_100 + process.pid % 100
    const script = `require("node:http").createServer((_, reply) => reply.end("hello")).listen(${port}, "127.0.0.1")`
    await agb("exec", "-d", "--name", "server", "-s", session, "--", process.execPath, "-e", script)
    const forward = start("forward", "--json", String(port), "-s", session)
    let said = ""
    forward.child.stdout?.on("data", (chunk) => said += chunk)
    await forward.says(/\n/)
    const url = String(lines(said)[0]?.["url"])
    const answer = async () => (await fetch(url)).text().catch(String)
    assert.strictEqual(await until(answer, (text) => text === "hello"), "hello")
    forward.child.kill("SIGINT")
    assert.strictEqual((await forward.ended).code, 130)
    await agb("kill", session, "server")
  })
})
