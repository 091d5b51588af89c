/** Sessions as the sandboxes of the OpenAI Agents SDK. */
import type { Agb } from "@effect-agb/core/Agb"
import type { Input } from "@effect-agb/core/CreateSessionParams"
import * as Session from "@effect-agb/core/Session"
import * as Sdk from "@openai/agents-core/sandbox"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { baseDirectory } from "../paths.js"
import * as openAiSession from "./openAiSession.js"
import { promise } from "./promises.js"

export interface ClientOptions {
  readonly agb: Layer.Layer<Agb, unknown>
  readonly session: Input
  /** After which a command is stopped. Default: 5 minutes. */
  readonly commandTimeout?: Duration.DurationInput | undefined
}

/** The root that a manifest has unless it says so; sessions have a place of their own, where commands start. */
const defaultRoot = new Sdk.Manifest().root

const prepare = (session: Session.Session, given: Sdk.Manifest) =>
  Effect.gen(function*() {
    const root = given.root === defaultRoot ? yield* baseDirectory(session.command) : given.root
    yield* session.fileSystem.createDirectory(root)
    const manifest = Object.assign(Sdk.cloneManifest(given), { root })
    yield* Effect.forEach(Object.entries(manifest.validatedEntries()), ([path, entry]) =>
      openAiSession.materialize(session.fileSystem, `${root}/${path}`, entry))
    return manifest
  })

export const make = ({ agb, commandTimeout = "5 minutes", session: params }: ClientOptions): Sdk.SandboxClient => ({
  backendId: "agb",
  create: async (args?: Sdk.SandboxClientCreateArgs | Sdk.Manifest, options?: Sdk.SandboxClientOptions) => {
    const { manifest } = Sdk.normalizeSandboxClientCreateArgs(args, options)
    const scope = Effect.runSync(Scope.make())
    const close = (exit: Exit.Exit<unknown, unknown>) => Scope.close(scope, exit)
    const created = Effect.gen(function*() {
      const session = yield* Effect.provide(Session.make(params), yield* Layer.build(agb))
      return [session, yield* prepare(session, manifest)] as const
    })
    const [session, prepared] = await promise(
      created.pipe(Scope.extend(scope), Effect.onError((cause) => close(Exit.failCause(cause))))
    )
    return openAiSession.make(session, prepared, commandTimeout, () => promise(close(Exit.void)))
  }
})
