// Without Effect: promises of plain results. In the cloud if AGB_API_KEY is set, else on this machine.
import { AGB, CreateSessionParams, type Session } from "@effect-agb/platform-node/AgbPromise"

const params = new CreateSessionParams({ imageId: "agb-code-space-1" })

/** This example runs only its own code, so where no isolation is available it prints a warning and goes on without. */
const connect = async (): Promise<AGB> => {
  if (process.env["AGB_API_KEY"] !== undefined) return new AGB()
  const agb = AGB.local()
  const { error } = await agb.list()
  if (error?._tag !== "RuntimeUnavailableError" || error.reason !== "SandboxUnavailableError") return agb
  console.error(`!!! NO ISOLATION: the code of this example runs as you. ${error.message}`)
  return AGB.local({ isolation: "none" })
}

const runCode = async ({ code, fileSystem }: Session) => {
  const hello = await code.runCode("console.log('Hello World')", "javascript")
  console.log(hello.success ? hello.result.trim() : `failed: ${hello.errorMessage}`)

  await fileSystem.writeFile("/tmp/data.json", "[1, 2, 3]")
  const sum = "JSON.parse(require('fs').readFileSync(require('os').tmpdir() + '/data.json')).reduce((a, b) => a + b)"
  const run = await code.runCode(sum, "javascript")
  console.log(run.success ? `sum: ${run.result}` : `failed: ${run.errorMessage}`)
}

const failures = async ({ code, command, fileSystem }: Session) => {
  const raised = await code.runCode("throw new RangeError('too far')", "javascript")
  if (raised.error?._tag === "CodeExecutionError") console.log(`the code raised ${raised.error.name}`)

  const exit = await command.executeCommand("echo before; exit 3")
  console.log(`exit code ${exit.exitCode}, printed ${JSON.stringify(exit.stdout)}`)

  const file = await fileSystem.readFile("/tmp/missing")
  console.log(file.success ? file.content : `no file: ${file.error._tag}`)

  const refused = await code.runCode("puts 1", "ruby")
  console.log(refused.success ? refused.result : `not sent: ${refused.errorMessage}`)
}

const abort = async ({ code }: Session) => {
  const signal = AbortSignal.timeout(200)
  await code.runCode("for (;;) {}", "javascript", 300, { signal }).catch((reason: Error) => {
    console.log(`aborted: ${reason.name}`)
  })
}

await using agb = await connect()

await agb.withSession(params, async (session) => {
  await runCode(session)
  await failures(session)
  await abort(session)
})

console.log(`sessions left: ${(await agb.list()).totalCount}`)
