// What a consumer may write with either face, with types that are checked against the declarations of both packages.
import type { AgbError, AgbTools } from "@effect-agb/core"
import { Agb, AgbConfig, Code, Command, FileSystem, Session } from "@effect-agb/core"
import type { Isolation } from "@effect-agb/platform-node"
import { AgbPromise, LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { AGB as Compatible } from "@effect-agb/platform-node/compat"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { Effect, Layer, Stream } from "effect"

const languages: ReadonlyArray<AgbTools.Language> = ["python", "javascript"]

export const program: Effect.Effect<ReadonlyArray<string>, AgbError.AgbError, Agb.Agb> = Effect.gen(function*() {
  const code = yield* Code.Code
  const command = yield* Command.Command
  const files = yield* FileSystem.FileSystem
  yield* files.writeFile("/tmp/a.txt", "a")
  const { stdout } = yield* command.executeCommand("cat /tmp/a.txt", { timeout: "5 seconds" })
  const texts = yield* Effect.forEach(languages, (language) => code.runCode("1 + 1", language))
  yield* files.watchDirectory("/tmp").pipe(Stream.take(1), Stream.runDrain)
  return [stdout, ...texts.map(({ text }) => text ?? "")]
}).pipe(Effect.provide(Session.layer({ imageId: "agb-code-space-1", labels: { run: "1" } })))

export const onFetch = program.pipe(
  Effect.provide(Agb.layer),
  Effect.provide(Layer.merge(FetchHttpClient.layer, AgbConfig.layer({ apiKey: "akm-1" })))
)

export const onNode = program.pipe(Effect.provide(NodeAgb.layerConfig()))

export const local = program.pipe(
  Effect.provide(LocalAgb.layer({ isolation: "namespaces", idleTimeout: "1 minute" })),
  Effect.catchTag(
    "SandboxUnavailableError",
    (error: Isolation.SandboxUnavailableError) => Effect.succeed([error.remedy])
  )
)

export const promises = async (signal: AbortSignal): Promise<string> => {
  await using agb = AgbPromise.AGB.local({ poolSize: 0 })
  const created = await agb.create(new AgbPromise.CreateSessionParams({ imageId: "agb-code-space-1" }))
  if (!created.success) return created.errorMessage
  const run = await created.session.code.runCode("1 + 1", "python", 10, { signal })
  return run.success ? run.result : run.errorMessage
}

/** Types that the compiler infers: errors in the channel of an effect, and classes of the promise API. */
export const inferred = Effect.flatMap(Command.Command, (command) => command.start("sleep 1"))

export const opened = async (agb: AgbPromise.AGB) => {
  const created = await agb.create({ imageId: "agb-code-space-1" })
  if (!created.success) throw created.error
  return created.session
}

export const compatible = async (): Promise<string> => {
  await using agb = new Compatible({ apiKey: "akm-1", config: { endpoint: "http://127.0.0.1:1" } })
  const { errorMessage = "", session } = await agb.create({ imageId: "agb-code-space-1" })
  if (!session) return errorMessage
  const { logs } = await session.code.run("print(1)", "python", 60, { streamBeta: true })
  return logs.stdout.concat((await session.file.ls("/tmp")).entries.map(({ name }) => name)).join()
}
