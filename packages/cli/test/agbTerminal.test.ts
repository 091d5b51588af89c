/** `agb` on a terminal, and what it says without one. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { agb as anywhere, apiKey, lines, program } from "./support/agb.js"
import { shareServer } from "./support/shared.js"
import { openTerminal } from "./support/terminal.js"

const { server, session, agb, path } = await shareServer()

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

  it("has help, a version, colours where they are wanted, and tells what this machine has", async () => {
    const [help, run, version, doctor] = await Promise.all([
      agb("--help"),
      anywhere(["run", "--help"], { FORCE_COLOR: "1" }),
      agb("--version"),
      agb("doctor", "--json")
    ])
    for (const name of ["run", "exec", "sh", "cp", "gc", "local", "doctor"]) {
      assert.match(help.stdout, new RegExp(`^  ${name} `, "m"))
    }
    assert.match(run.stdout, /^\x1b\[1musage:\x1b\[22m agb run/)
    assert.match(run.stdout, /^ {2}-s, --session <text> {2}/m)
    const manifest = JSON.parse(Fs.readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    assert.strictEqual(version.stdout, `${manifest.version}\n`)
    const [health] = lines(doctor.stdout)
    assert.include(health?.["languages"], "javascript")
    assert.hasAllKeys(health, ["isolation", "description", "doesNotStop", "languages", "node", "cloud", "improve"])
  })
})
