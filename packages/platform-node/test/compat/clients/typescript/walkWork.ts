/** Code and commands. */
import assert from "node:assert/strict"
import type { Session } from "./agb.js"
import { bad, good, Skipped, until, Walk } from "./report.js"

export const walk = new Walk()

/** For a busy machine. */
const patience = 60_000

const ran = async (session: Session, code: string, language = "python", timeoutS = 60) => {
  const result = await session.code.run(code, language, timeoutS)
  assert.ok(result.success, result.errorMessage)
  return { ...result, text: result.results.map((item) => item["text/plain"]).at(-1), out: result.logs.stdout.join("") }
}

walk.observes(["Kernel state", "Last expression"], async (_agb, session) => {
  await ran(session, "kept = 20")
  const { results, text } = await ran(session, "kept + 1", "PY")
  assert.deepEqual([text, results.at(-1)?.isMainResult], ["21", true])
})

walk.observes(["Display data"], async (_agb, session) => {
  const { results } = await ran(
    session,
    "class Rich:\n  def _repr_html_(self): return '<b>x</b>'\n  def _repr_latex_(self): return '$x$'\ndisplay(Rich())"
  )
  assert.deepEqual([results[0]?.["text/html"], results[0]?.["text/latex"]], ["<b>x</b>", "$x$"])
  assert.equal(results[0]?.isMainResult, false)
})

walk.observes(["stdout", "stderr", "Empty code", "Python errors"], async (_agb, session) => {
  const { logs, out } = await ran(session, "import sys\nprint('a')\nprint('b')\nprint('w', file=sys.stderr)")
  assert.deepEqual([out, logs.stderr.join("")], ["a\nb\n", "w\n"])
  bad(await session.code.run("", "python"))
  await ran(session, "# a comment alone")
  const failed = await session.code.run("print('before')\n1 / 0", "python")
  assert.match(bad(failed), /division by zero/)
  assert.deepEqual(failed.logs.stdout, ["before\n"])
})

walk.observes(["JavaScript", "Language"], async (_agb, session) => {
  for (const language of ["javascript", "NodeJS", "js"]) {
    assert.equal((await ran(session, "console.log('hi')", language)).out, "hi\n")
  }
  assert.equal((await ran(session, "const kept: number = await Promise.resolve(42); kept", "javascript")).text, "42")
  bad(await session.code.run("puts 1", "ruby"))
})

walk.observes(["Java"], async (_agb, session) => {
  const first = await session.code.run("int kept = 20;", "java")
  if (!first.success && first.errorMessage.includes("install")) throw new Skipped(first.errorMessage)
  assert.equal((await ran(session, "System.out.println(kept + 1);", "java")).out, "21\n")
})

walk.observes(["Code timeout"], async (_agb, session) => {
  assert.match(bad(await session.code.run("import time; time.sleep(30)", "python", 1)), /timeout/)
})

walk.observes(["Shell", "Working directory", "Environment", "Failing commands"], async (_agb, session) => {
  await session.execute("cd /tmp; kept=1", patience)
  assert.equal((await session.execute("echo [$kept]", patience)).stdout, "[]\n")
  assert.equal((await session.execute("pwd", patience, { cwd: "/tmp" })).stdout, "/tmp\n")
  const GIVEN = "it's \"quoted\"; $HOME `id` !@#$%^&*()"
  assert.equal((await session.execute("printf %s \"$GIVEN\"", patience, { envs: { GIVEN } })).stdout, GIVEN)
  const failed = await session.execute("not_a_command_12345", patience)
  assert.deepEqual([failed.success, failed.exitCode, failed.errorMessage], [false, 127, ""])
})

walk.observes(["shell without timeout_ms", "Background"], async (_agb, session) => {
  assert.match(good(await session.callMcpTool("shell", { command: "echo a" })), /"exit_code":0/)
  await session.execute("nohup sh -c 'sleep 0.5; echo over > /tmp/ts_over.txt' > /dev/null 2>&1 &", patience)
  await until(async () => (await session.file.read("/tmp/ts_over.txt")).success)
})
