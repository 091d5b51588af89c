// The packages are ES modules; Node gives them to `require` from 20.19 and 22.12 on.
const { AGB } = require("@effect-agb/platform-node/AgbPromise")
const { AgbError } = require("@effect-agb/core")

const main = async () => {
  const agb = process.env.AGB_ENDPOINT === undefined ? AGB.local() : new AGB()
  const created = await agb.create({ imageId: "agb-code-space-1" })
  if (!created.success) throw new Error(created.errorMessage)
  const run = await created.session.code.runCode("6 * 7", "javascript")
  await agb.dispose()
  console.log(run.result, typeof AgbError.isAgbError)
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
