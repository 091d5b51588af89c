/** A program that was written for the official SDK: its import is another, and its client runs on this machine. */
import { AGB as Promises } from "@effect-agb/platform-node/AgbPromise"
import { AGB, CreateSessionParams } from "@effect-agb/platform-node/compat"
import { local } from "./local.js"

const work = async (agb: AGB) => {
  const result = await agb.create(new CreateSessionParams({ imageId: "agb-code-space-1", labels: { kind: "example" } }))
  if (!result.success || !result.session) throw new Error(result.errorMessage)
  const { session } = result

  const run = await session.code.run("for (const n of [1, 2]) console.log('line', n)", "javascript", 60, {
    streamBeta: true,
    onStdout: (chunk) => process.stdout.write(chunk)
  })
  console.log(run.success ? `${run.logs.stdout.join("").length} characters` : run.errorMessage)

  await session.file.mkdir("/tmp/data")
  await session.file.write("/tmp/data/a.txt", "one\ntwo\n")
  const { entries } = await session.file.ls("/tmp/data")
  console.log(entries.map(({ name, type }) => `${type} ${name}`).join())

  const command = await session.command.execute("exit 3", 10_000)
  console.log(`exit code ${command.exitCode}, status ${(await session.getStatus()).status}`)

  const deleted = await agb.delete(session)
  console.log(deleted.success ? "deleted" : deleted.errorMessage)
}

const agb = new AGB(new Promises({ layer: local })) // new AGB() for the cloud
await work(agb).finally(() => agb.dispose())
