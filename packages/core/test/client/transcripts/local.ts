/** What the official SDKs refused or failed by themselves, asked of ours. */
import { AgbConfig } from "@effect-agb/core"
import { ConfigProvider, Effect, Layer } from "effect"
import type { To } from "./calls.js"

interface LocalCall {
  readonly ask: (to: To) => Effect.Effect<unknown, { readonly _tag: string }>
  /** Tag of our error. */
  readonly ours: string
}

const refused = (ask: LocalCall["ask"]): LocalCall => ({ ask, ours: "InvalidRequestError" })

/** What no type lets a TypeScript program say. */
const wrong = <A>(value: unknown): A => value as A

const withoutKey = Effect.scoped(Layer.build(AgbConfig.layerConfig())).pipe(
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map()))
)

/** By group and call id. */
export const localCalls: Readonly<Record<string, LocalCall>> = {
  "session/create.noImage": refused(({ agb }) => agb.create(wrong({}))),
  "session/create.null": refused(({ agb }) => agb.create(wrong(null))),
  "session/get.empty": refused(({ agb }) => agb.attach("   ")),
  "list/list.page0": refused(({ agb }) => agb.client.listSession({ maxResults: 0 })),
  "labels/set.invalid.null": refused(({ session }) => session.setLabels(wrong(null))),
  "labels/set.invalid.array": refused(({ session }) => session.setLabels(wrong(["a"]))),
  "labels/set.invalid.empty": refused(({ session }) => session.setLabels({})),
  "labels/set.invalid.emptyKey": refused(({ session }) => session.setLabels({ "": "x" })),
  "labels/set.invalid.emptyValue": refused(({ session }) => session.setLabels({ a: " " })),
  "code/run.unsupported": refused(({ session }) => session.code.runCode("puts 1", "ruby")),
  "command/badEnv": refused(({ session }) => session.command.executeCommand("x", { envs: wrong({ A: 1 }) })),
  "filesystem/write.badMode": refused(({ session }) =>
    session.fileSystem.writeFile("/tmp/x", "x", { mode: wrong("truncate") })
  ),
  "errors/noKey": { ask: () => withoutKey, ours: "ConfigurationError" },
  "errors/refused.create": { ask: ({ agb }) => agb.create({ imageId: "i" }), ours: "TransportError" },
  "errors/refused.status": { ask: ({ session }) => session.status, ours: "TransportError" }
}

/** What ours does not refuse: it is sent, and the empty answers of the stand-in decide. */
export const notRefused: Readonly<Record<string, LocalCall & { readonly why: string }>> = {
  "python/filesystem/write.createNew": {
    why: "the wire knows create_new and the TypeScript SDK sends it; only the Python SDK refuses it",
    ask: ({ session }) => session.fileSystem.writeFile("/tmp/d/new.txt", "x", { mode: "create_new" }),
    ours: "MalformedResponseError"
  },
  "python-v0.2.2/code/run.unsupported": {
    why: "js is an alias of javascript since later versions",
    ask: ({ session }) => session.code.runCode("1", "js"),
    ours: "ExecutionUnknownError"
  },
  "python-v0.2.2/session/list": {
    why: "v0.2.2 listed what it remembered, we ask the server",
    ask: ({ agb }) => agb.client.listSession({}),
    ours: "success"
  }
}
