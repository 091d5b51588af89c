/** `agb` as its users start it, against one `agb local`. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll } from "vitest"
import {
  agb as anywhere,
  apiKey,
  folder,
  lines,
  program,
  serve,
  type Server,
  start as startAnywhere,
  until
} from "./support/agb.js"
import { openTerminal } from "./support/terminal.js"

let server: Server
let session: string

const agb = (...args: ReadonlyArray<string>) => anywhere(args, server.env)
const start = (...args: ReadonlyArray<string>) => startAnywhere(args, server.env)
const path = (...names: ReadonlyArray<string>) => Path.join(folder, ...names)
const sessions = async () =>
  (await agb("ls")).stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t"))
const others = async () => (await sessions()).filter(([id]) => id !== session)

beforeAll(async () => {
  server = await serve()
  session = (await agb("create", "--label", "for=tests", "--idle-timeout", "1h")).stdout.trim()
})

afterAll(async () => {
  assert.strictEqual(await server.stop(), 143)
})

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
    const following = start("logs", "-f", "--json", session, "job")
    await following.says(/one/)
    const { child, ended: said } = start("logs", session, "job")
    const timer = setTimeout(() => child.kill("SIGKILL"), 30_000)
    assert.deepStrictEqual(await said, { code: 0, stdout: "one\n", stderr: "two\n" })
    clearTimeout(timer)
    assert.strictEqual((await agb("ps", session)).stdout, "job\trunning\n")

    assert.strictEqual((await agb("kill", session, "job", "--signal", "int")).code, 0)
    assert.includeDeepMembers([...lines((await following.ended).stdout)], [{ type: "stderr", text: "two\n" }])
    const [ended] = lines((await agb("ps", "--json", session)).stdout)
    assert.include(ended, { process: "job", state: "exited", exitCode: 130, signal: "SIGINT" })
    assert.match((await agb("kill", session, "nothing")).stderr, /no process nothing\n +`agb ps/)
  })
})

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

describe("agb sh", () => {
  it("is the terminal of the session, and gives this one back as it was, however it ends", async () => {
    const { close, resize, type, until } = await openTerminal(server, session)
    const shell = (rest = "") =>
      `sh -c 'echo "pid $$"; exec "$0" "$@"' ${process.execPath} ${program} sh -s ${session} ${rest}`
    const run = async (rest?: string) => {
      await type(`${shell(rest)}; echo "code $?"; stty -a | grep -o '.icanon'\r`)
      return Number((await until(/pid (\d+)/))[1])
    }

    await run()
    await type("echo $((6 * 7)) $TERM $(stty size)\r")
    await until(/42 xterm-256color 30 100/)
    await type("until [ \"$(stty size)\" = '25 90' ]; do sleep 0.05; done; echo resi''zed\r")
    await resize(90, 25)
    await until(/resized/)
    await type("printf 'A\\033[?1049h\\033[?25;2004hB'; exit 3\r")
    const [left = ""] = await until(/A\x1b\[\?1049h[^]*code 3/)
    assert.match(left, /\x1b\[\?1049l/)
    assert.match(left, /\x1b\[\?2004l/)
    await until(/[^-]icanon/)

    await run("-- sh -c 'echo rea''dy; sleep 600'")
    await until(/ready/)
    await type("\r~.")
    await until(/code 125/)
    await until(/[^-]icanon/)

    const pid = await run("-- sh -c 'printf \"\\033[?25lhid\"\"den\"; sleep 600'")
    await until(/hidden/)
    process.kill(pid, "SIGTERM")
    await until(/\x1b\[\?25h[^]*code 143/)
    await until(/[^-]icanon/)
    await close()
  })
})

describe("agb on a terminal", () => {
  it("has headings in bold and a progress bar, which is removed at the end", async () => {
    const { close, type, until } = await openTerminal(server, session)
    const command = `${process.execPath} ${program}`
    await type(`${command} ls\r`)
    await until(new RegExp(`\\x1b\\[1mSESSION +STATUS\\x1b\\[22m\r\n[^]*${session} +RUNNING\r\n`))
    Fs.writeFileSync(path("large"), Buffer.alloc(2 ** 20))
    await type(`${command} cp ${path("large")} ${session}:\r`)
    await until(/━.* \d+% {2}.* of 1\.0 MiB\r\x1b\[K/)
    await until(/1 file, 1\.0 MiB to \/.*\/large/)
    await close()
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

describe("agb", () => {
  it("says in a sentence what is wrong, what to do next, and never the key", async () => {
    const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, code: number, says: RegExp]> = [
      [["nonsense"], 2, /^agb: there is no command nonsense; agb --help lists them\n$/],
      [["ls", "--nonsense"], 2, /^agb: agb ls has no option --nonsense; see agb ls --help\n$/],
      [["run", "-c"], 2, /^agb: -c needs a value/],
      [["--completions", "tcsh"], 2, /^agb: --completions must be bash, zsh or fish\n$/],
      [["run"], 2, /^agb: give either a file or code by -c\n$/],
      [["run", "-c", "1"], 2, /^agb: --language must say/],
      [["exec", "ls"], 2, /what to run stands after --/],
      [["exec", "--detach", "--", "ls"], 2, /--detach needs --session/],
      [["exec", "--env", "secret", "-s", session, "--", "ls"], 2, /^agb: --env must be NAME=VALUE\n$/],
      [["exec", "--timeout", "soon", "-s", session, "--", "ls"], 2, /--timeout must be a time above 0/],
      [["run", "--network", "host", "-l", "js", "-c", "1"], 2, /--isolation and --network need --local/],
      [["sh"], 2, /needs a terminal/],
      [["exec", "-s", "s-gone", "--", "ls"], 125, /s-gone is lost.*\n +`agb ls` lists/],
      [["info"], 2, /^agb: Missing argument <session>.*\n +see agb info --help\n$/],
      [["info", "--json"], 2, /^\{"error":"MissingValue","message":"Missing argument <session>/],
      [
        ["run", "-l", "js", "-c", "1", "--isolation", "much"],
        2,
        /^agb: --isolation must be one of auto, namespaces, landlock, none; see agb run --help\n$/
      ]
    ]
    await Promise.all(cases.map(async ([args, code, says]) => {
      const ended = await agb(...args)
      assert.match(ended.stderr, says, args.join(" "))
      assert.strictEqual(ended.code, code, args.join(" "))
      assert.strictEqual(ended.stdout, "")
      assert.notMatch(ended.stderr, /^ +at |\x1b/m)
    }))
    const wrong = { ...server.env, AGB_API_KEY: `${apiKey}-wrong` }
    const refused = await anywhere(["ls", "--json"], wrong)
    assert.deepInclude(lines(refused.stderr)[0], { error: "AuthenticationError" })
    assert.notInclude(refused.stderr, apiKey)
    assert.match((await anywhere(["ls"])).stderr, /AGB_API_KEY must be set\n +export AGB_API_KEY/)
    assert.match((await anywhere(["ls", "--local"], { AGB_API_KEY: "x" })).stderr, /a running `agb local`/)
    assert.strictEqual((await agb("ls", "--local")).code, 0)
  })

  it("has help, completions, a version, colours where they are wanted, and tells what this machine has", async () => {
    const [help, run, completions, version, doctor] = await Promise.all([
      agb("--help"),
      anywhere(["run", "--help"], { FORCE_COLOR: "1" }),
      agb("--completions", "bash"),
      agb("--version"),
      agb("doctor", "--json")
    ])
    for (const name of ["run", "exec", "sh", "cp", "gc", "local", "doctor"]) {
      assert.match(help.stdout, new RegExp(`^  ${name} `, "m"))
    }
    assert.match(run.stdout, /^\x1b\[1musage:\x1b\[22m agb run/)
    assert.match(run.stdout, /^ {2}-s, --session <text> {2}/m)
    assert.notMatch(completions.stdout, /opts=.*--(log-level|wizard)/)
    assert.match(completions.stdout, /compgen -W "auto namespaces landlock none"/)
    const manifest = JSON.parse(Fs.readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    assert.strictEqual(version.stdout, `${manifest.version}\n`)
    const [health] = lines(doctor.stdout)
    assert.include(health?.["languages"], "javascript")
    assert.hasAllKeys(health, ["isolation", "description", "doesNotStop", "languages", "node", "cloud", "improve"])
  })
})
