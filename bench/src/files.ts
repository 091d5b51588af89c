// Reading and writing 1 MiB of text through the wire, against the file system itself.
import { Session } from "@effect-agb/core"
import { Effect, Exit, Scope } from "effect"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { compare } from "./compare.js"
import { startRuntime } from "./runtime.js"

export const files = async (): Promise<void> => {
  const { mechanism, runtime } = await startRuntime()
  const scope = Effect.runSync(Scope.make())
  const { fileSystem } = await runtime.runPromise(Session.make({ imageId: "bench" }).pipe(Scope.extend(scope)))
  const directory = await mkdtemp(join(tmpdir(), "agb-bench-"))
  const path = join(directory, "file")
  const content = "0123456789abcdef".repeat(65_536)
  await writeFile(path, content)
  const home =
    (await runtime.runPromise(Session.use({ imageId: "bench" }, ({ command }) => command.executeCommand("pwd")))).stdout
      .trim()
  const remote = mechanism === "none" ? path : `${home}/file`

  await compare(`Write 1 MiB (isolation: ${mechanism})`, [
    { name: "fs.writeFile", run: () => writeFile(path, content) },
    { name: "fileSystem.writeFile", run: () => runtime.runPromise(fileSystem.writeFile(remote, content)) }
  ], { rounds: 20 })
  await compare(`Read 1 MiB (isolation: ${mechanism})`, [
    { name: "fs.readFile", run: () => readFile(path, "utf8") },
    { name: "fileSystem.readFile", run: () => runtime.runPromise(fileSystem.readFile(remote)) }
  ], { rounds: 20 })

  await runtime.runPromise(Scope.close(scope, Exit.void))
  await runtime.dispose()
  await rm(directory, { recursive: true })
}
