import { AGB } from "@effect-agb/platform-node/AgbPromise"

const agb = AGB.local() // for the cloud: new AGB(), and AGB_API_KEY

const created = await agb.create({ imageId: "agb-code-space-1" })
if (created.success) {
  const { code, command } = created.session

  const run = await code.runCode("[1, 2, 3].reduce((a, b) => a + b)", "javascript")
  console.log(run.success ? `the sum is ${run.result}` : `failed: ${run.errorMessage}`)

  const check = await command.executeCommand("grep -q word /dev/null")
  console.log(check.success ? "found" : `grep ended with exit code ${check.exitCode}`)
} else {
  console.error(created.errorMessage)
  process.exitCode = 1
}

await agb.dispose() // deletes the sessions that are left
