import { Isolation } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { testProgram } from "../../scripts/testProgram.mjs"

const sourceOf = (name: string): string => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))

interface Ended {
  readonly code: number | null
  readonly output: string
}

const node = (args: ReadonlyArray<string>, isolation = "auto"): Promise<Ended> =>
  new Promise((resolve) => {
    const environment: NodeJS.ProcessEnv = { ...process.env, AGB_ISOLATION: isolation }
    delete environment["AGB_API_KEY"]
    delete environment["ANTHROPIC_API_KEY"]
    const child = execFile(process.execPath, args, { env: environment }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr })
    })
  })

const run = async (name: string, isolation?: string): Promise<Ended> =>
  node([await testProgram(sourceOf(name))], isolation)

const lines = (name: string): number => readFileSync(sourceOf(name), "utf8").trimEnd().split("\n").length

describe("the first examples of the README", () => {
  const printed: ReadonlyArray<readonly [name: string, lines: ReadonlyArray<string>]> = [
    ["quickstart", [
      "the sum is 6",
      "the file says: kept as long as the session",
      "the code raised TypeError: Cannot read properties of null (reading 'length')"
    ]],
    ["quickstartPromise", ["the sum is 6", "grep ended with exit code 1"]]
  ]
  for (const [name, lines] of printed) {
    it(`${name} prints what it computed, or why there is no sandbox`, async () => {
      const isolated = await Effect.runPromise(Effect.isSuccess(Isolation.probe("auto")))
      const { code, output } = await run(name)
      if (isolated) assert.deepStrictEqual(output.trimEnd().split("\n"), lines)
      else assert.match(output, /No sandbox \(isolation: "auto"\): /)
      assert.strictEqual(code, isolated ? 0 : 1, output)
    })
  }
})

describe("every example runs and ends well", () => {
  const examples: ReadonlyArray<readonly [name: string, says: ReadonlyArray<RegExp>]> = [
    ["agent", [
      /^the model calls read_file\nthe model calls run_code\nNorth sold 70, south 40\..*\nchart\.svg: 2 bars$/m
    ]],
    ["compat", [/^line 1\nline 2\n14 characters\nfile a\.txt\nexit code 3, status RUNNING\ndeleted$/m]],
    ["contexts", [/^written without a session\nwritten by the first session\nwritten by the second session$/m]],
    ["first", [/^sum in \w+: 6$/m]],
    ["pipeline", [/^9 words: the quick/m, /^3 words: call me/m]],
    ["errors", [/^the code raised RangeError: too far$/m, /^sleep 5: stopped after 200 ms$/m, /^InvalidRequestError/m]],
    ["kernels", [
      /^first: 1, second: 2$/m,
      /^KeyboardInterrupt, state kept: true$/m,
      /^still there: 1$/m,
      /^NameError$/m
    ]],
    ["terminal", [/^40 120$/m, /^30 100$/m, /^the shell exited with 3$/m]],
    ["processes", [/^step 3$/m, /^steps ended with 4$/m, /^apple\npear$/m, /^the server got SIGINT$/m]],
    ["promise", [/Hello World/]],
    ["streams", [/^it prints 3\nit prints 2\nit prints 1\nit displays .*lift/m, /^tick 0\ntick 1\nand then 42$/m]],
    ["files", [/^File of 588895 bytes$/m, /^"2\\n3\\n"$/m, /^copy: true, original: false$/m]],
    ["platform", [/^most frequent: 3 the\nkept: 3 the\nno-such-program: NotFound$/m]],
    ["tracing", [
      /^ {2}Code.runCode agb.language=javascript agb.output_bytes=6\n {4}AgbClient.callTool$/m,
      /^agb_bytes_written\{\} 6$/m
    ]],
    ["workflow", [/^the engine ends in the middle: 1 session$/m, /^built once, 2 runs, then no session$/m]],
    ["codingAgent", [
      /^the runner is killed by SIGKILL in turn 1\nthe runner is killed by SIGKILL in turn 4$/m,
      /^wrote sum\.js, fail, 1, mended sum\.js, pass, 'fail then pass', 4 commands\n0 sessions are left$/m
    ]],
    ["testing", [
      /^scripted: all pass, after 2 runs; the session is Deleted, with the report "all pass\\n"$/m,
      /^among faults: ExecutionUnknownError$/m,
      /^replayed: all pass, 0 of \d+ answers unused$/m,
      /^unscripted: .* no answer for the command "npm test"\. Scripted: "npm run lint"$/m
    ]],
    ["sweep", [/^0 orphans, 0 kept, 0 failed$/m]],
    ["swap", [/^the session runs \w+$/m]]
  ]
  for (const [name, says] of examples) {
    it.concurrent(`${name}`, async () => {
      assert.isBelow(lines(name), 60)
      const { code, output } = await run(name)
      for (const pattern of says) assert.match(output, pattern)
      assert.strictEqual(code, 0, output)
    })
  }

  for (const isolation of ["landlock", "none"]) {
    for (const name of ["demo", "first", "pipeline", "promise"]) {
      it.concurrent(`${name}, without namespaces: ${isolation}`, async () => {
        const { code, output } = await run(name, isolation)
        assert.strictEqual(code, 0, output)
      })
    }
  }

  it("demo is short too, and the runner of the coding agent", () => {
    for (const name of ["demo", "codingAgentRunner"]) assert.isBelow(lines(name), 60)
  })

  it("demo says which isolation is in force and which languages were found", async () => {
    // As `pnpm demo` starts it.
    const { code, output } = await node(["--import", "tsx", sourceOf("demo")])
    assert.match(output, /^isolation: (namespaces|landlock|none), \w+$/m)
    assert.match(output, /^languages: .*JavaScript/m)
    assert.match(output, /^ +\.+-:\+@=:\.+$/m)
    const [, figure = ""] = /^figure: (.*\.png)$/m.exec(output) ?? []
    assert.strictEqual(readFileSync(figure).subarray(1, 4).toString(), "PNG")
    assert.match(
      output,
      /^ {2}CommandExitError +exit code 3, and on standard error: no luck\n {2}FileNotFoundError +\/tmp\/missing$/m
    )
    assert.match(output, /^✓ an endless loop was interrupted, and the session goes on: 6 \* 7 is 42$/m)
    assert.match(output, /^the session is deleted$/m)
    assert.notInclude(output, "\x1b")
    assert.strictEqual(code, 0, output)
  })

  it("demo deletes its session when it is interrupted", async () => {
    const child = spawn(process.execPath, [await testProgram(sourceOf("demo"))])
    let output = ""
    child.stdout.on("data", (chunk) => {
      output += chunk
      if (/^ +\./m.test(output) && !child.killed) child.kill("SIGINT")
    })
    const [code] = await once(child, "close")
    assert.match(output, /\ninterrupted\nthe session is deleted\n$/)
    assert.strictEqual(code, 130)
  })
})
