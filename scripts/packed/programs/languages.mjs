// Every language, a command and a file in one session: of the cloud's client where AGB_ENDPOINT is set, else on this machine.
import { AGB } from "@effect-agb/platform-node/AgbPromise"
import { AGB as Compatible } from "@effect-agb/platform-node/compat"

const programs = {
  python: "print(6 * 7)",
  javascript: "const answer: number = 42; console.log(answer)",
  r: "cat(6 * 7)",
  java: "System.out.println(6 * 7);"
}

const check = (what, isFine, found) => {
  if (!isFine) throw new Error(`${what}: ${JSON.stringify(found)}`)
  console.log(`${what}: fine`)
}

const work = async ({ code, command, fileSystem }) => {
  for (const language of process.env.LANGUAGES.split(",")) {
    const run = await code.runCode(programs[language], language)
    check(language, run.success && run.logs.stdout.trim() === "42", run)
  }
  const shell = await command.executeCommand("echo $((6 * 7))")
  check("command", shell.success && shell.output.trim() === "42", shell)
  const written = await fileSystem.writeFile("/tmp/answer.txt", "42 €")
  const read = await fileSystem.readFile("/tmp/answer.txt")
  check("file", written.success && read.success && read.content === "42 €", [written, read])
}

const main = async () => {
  const agb = process.env.AGB_ENDPOINT === undefined ? AGB.local() : new AGB()
  try {
    const created = await agb.create({ imageId: "agb-code-space-1" })
    if (!created.success) throw new Error(created.errorMessage)
    await work(created.session)
    const { session } = await new Compatible(agb).get(created.session.sessionId)
    const run = await session.code.run("console.log(6 * 7)", "javascript")
    check("names of the official SDK", run.success && run.logs.stdout.join("") === "42\n", run)
    const deleted = await agb.delete(created.session)
    check("deleted", deleted.success, deleted)
  } finally {
    await agb.dispose()
  }
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
