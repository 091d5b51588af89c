/** `agb run` and `agb exec` as their users start them. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { agb as anywhere, lines, until } from "./support/agb.js"
import { shareServer } from "./support/shared.js"

const { server, session, agb, start, path, others } = await shareServer()

const figure = `({ [Symbol.for("Jupyter.display")]: () => ({ "text/plain": "a square", "image/svg+xml": "<svg/>" }) })`

describe("agb run", () => {
  it("prints while the code runs, shows values, saves figures beside the file, and reads its exit code from the code", async () => {
    Fs.writeFileSync(path("draw.js"), `console.log("drawn"); console.error("on the side");\n${figure}`)
    const drawn = await agb("run", "draw.js", "-s", session)
    assert.deepStrictEqual(drawn, { code: 0, stdout: "drawn\n", stderr: "on the side\nagb: saved draw-1.svg\n" })
    assert.strictEqual(Fs.readFileSync(path("draw-1.svg"), "utf8"), "<svg/>")

    const json = await agb("run", "--json", "--output", "figures", "-s", session, "draw.js")
    assert.deepStrictEqual(lines(json.stdout), [
      { type: "stdout", text: "drawn\n" },
      { type: "stderr", text: "on the side\n" },
      { type: "result", text: "a square", mimeTypes: ["text/plain", "image/svg+xml"], file: "figures/draw-1.svg" },
      { type: "completed" }
    ])

    const value = await anywhere(["run", "-", "-l", "js", "-s", session], server.env, "6 * 7")
    assert.deepStrictEqual(value, { code: 0, stdout: "42\n", stderr: "" })

    const raised = await agb("run", "-s", session, "-l", "js", "-c", "throw new TypeError('too far')")
    assert.strictEqual(raised.code, 1)
    assert.strictEqual(raised.stderr.match(/TypeError: too far/g)?.length, 1, raised.stderr)

    const late = await agb("run", "-s", session, "-l", "js", "-c", "for (;;) {}", "--timeout", "1s")
    assert.strictEqual(late.code, 124)
    assert.match(late.stderr, /^agb: .*stopped after 1000 ms/)
  })

  it("leaves no session after Ctrl-C, nor after kill -9, nor when it has ended", async () => {
    const code = "console.log('begun'); await new Promise((go) => setTimeout(go, 600_000))"
    const interrupted = start("run", "-l", "js", "-c", code)
    await interrupted.says(/begun/)
    assert.lengthOf(await others(), 1)
    interrupted.child.kill("SIGINT")
    interrupted.child.kill("SIGINT")
    assert.strictEqual((await interrupted.ended).code, 130)
    assert.deepStrictEqual(await others(), [])

    const killed = start("run", "-l", "js", "-c", code)
    await killed.says(/begun/)
    killed.child.kill("SIGKILL")
    await until(others, (left) => left.length === 0)

    assert.strictEqual((await agb("run", "-l", "js", "-c", "1")).stdout, "1\n")
    assert.deepStrictEqual(await others(), [])
  })

  it("says what is wrong with its file or its language before it creates a session", async () => {
    Fs.mkdirSync(path("folder.py"), { recursive: true })
    Fs.writeFileSync(path("notes.txt"), "1")
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, string]> = [
      [["folder.py"], 2, "folder.py is a directory; give a file of code"],
      [["none"], 1, "none: there is no such file or directory"],
      [["notes.txt"], 2, "--language must say what notes.txt is: python, javascript, java or r"],
      [["-c", "1"], 2, "--language must say what the code is: python, javascript, java or r"],
      [["-c", "1", "-l", "perl"], 2, "--language must be python, javascript, java or r, but was perl"]
    ]
    // Without a server, so that a request would be another failure.
    for (const [args, code, message] of cases) {
      const said = await anywhere(["run", ...args], { AGB_ENDPOINT: "http://127.0.0.1:1", AGB_API_KEY: "akm-none" })
      assert.deepStrictEqual(said, { code, stdout: "", stderr: `agb: ${message}\n` })
    }
  })

  it("says that a session has its image already", async () => {
    const refused = await agb("run", "-s", session, "--image", "another", "-l", "js", "-c", "1")
    assert.deepStrictEqual([refused.code, refused.stdout], [2, ""])
    assert.match(refused.stderr, /^agb: --image needs a session of the command's own/)
  })

  it("has a local runtime of its own with --local", async () => {
    const args = ["run", "--local", "--isolation", "none", "--language=javascript", "--code", "6 * 7"]
    assert.deepStrictEqual(await anywhere(args), { code: 0, stdout: "42\n", stderr: "" })
  })
})

describe("agb exec", () => {
  it("passes on arguments literally, standard streams, environment and exit code", async () => {
    const script = `printf '[%s]' "$@"; cat; echo "$A" >&2; exit 7`
    const odd = ["", "a  b", "$HOME", "it's", "*", "--json", "-h"]
    const args = ["exec", "-s", session, "--env=A=b=c", "--", "sh", "-c", script, "sh", ...odd]
    const ended = await anywhere(args, server.env, "typed\n")
    assert.deepStrictEqual(ended, {
      code: 7,
      stdout: `${odd.map((arg) => `[${arg}]`).join("")}typed\n`,
      stderr: "b=c\n"
    })

    const json = await agb("exec", "-s", session, "-n", "--json", "--", "sh", "-c", "echo out; kill -TERM $$")
    assert.strictEqual(json.code, 143)
    assert.deepStrictEqual(lines(json.stdout), [
      { type: "stdout", text: "out\n" },
      { type: "exited", exitCode: 143, signal: "SIGTERM", timedOut: false }
    ])
    assert.strictEqual((await agb("exec", "-s", session, "-n", "--", "no-such-program")).code, 127)
    const late = await agb("exec", "-s", session, "-n", "--timeout", "500ms", "--", "sleep", "600")
    assert.deepStrictEqual(late, { code: 124, stdout: "", stderr: "agb: the command was stopped at its time limit\n" })
  })

  it("passes on a signal, and shows what the command says to it", async () => {
    const script = `trap 'echo got it; exit 3' INT; echo ready; while :; do sleep 0.05; done`
    const running = start("exec", "-n", "-s", session, "--", "bash", "-c", script)
    await running.says(/ready/)
    running.child.kill("SIGINT")
    const { code, stdout } = await running.ended
    assert.deepStrictEqual({ code, stdout }, { code: 130, stdout: "ready\ngot it\n" })
  })

  it("leaves a command running with --detach, for ps, logs and kill", async () => {
    const script = `echo two >&2; echo one; exec sleep 600`
    assert.strictEqual(
      (await agb("exec", "-d", "--name", "job", "-s", session, "--", "sh", "-c", script)).stdout,
      "job\n"
    )
    const taken = await agb("exec", "-d", "--name", "job", "-s", session, "--", "echo", "another")
    assert.deepStrictEqual([taken.code, taken.stdout], [2, ""])
    assert.match(taken.stderr, /has a process job already/)
    const following = start("logs", "-f", "--json", session, "job")
    await following.says(/one/)
    const { child, ended: said } = start("logs", session, "job")
    const timer = setTimeout(() => child.kill("SIGKILL"), 30_000)
    assert.deepStrictEqual(await said, { code: 0, stdout: "one\n", stderr: "two\n" })
    clearTimeout(timer)
    assert.strictEqual((await agb("ps", session)).stdout, "job\trunning\n")

    assert.strictEqual((await agb("kill", session, "job", "--signal", "foo")).code, 2)
    assert.strictEqual((await agb("kill", session, "job", "--signal", "2")).code, 0)
    assert.includeDeepMembers([...lines((await following.ended).stdout)], [{ type: "stderr", text: "two\n" }])
    const [ended] = lines((await agb("ps", "--json", session)).stdout)
    assert.include(ended, { process: "job", state: "exited", exitCode: 130, signal: "SIGINT" })
    assert.match((await agb("kill", session, "nothing")).stderr, /no process nothing\n +`agb ps/)
  })
})
