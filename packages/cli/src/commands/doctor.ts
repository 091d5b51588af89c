/** `agb doctor`: what this machine has for local sessions, and what would improve it. */
import type * as Isolation from "@effect-agb/platform-node/Isolation"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { ExitCode } from "../failure.js"
import { paint } from "../output/style.js"
import { printJson, printLine } from "../output/write.js"
import * as options from "../session/options.js"

const load = Effect.promise(async () => ({
  LocalAgb: await import("@effect-agb/platform-node/LocalAgb"),
  Isolation: await import("@effect-agb/platform-node/Isolation")
}))

interface Health {
  readonly isolation: Isolation.Isolation | undefined
  readonly languages: ReadonlyArray<string>
  readonly languageSummary: string
  readonly advice: string | undefined
}

/** The most useful of what can be done: isolation first, then languages. */
const adviceOf = (
  best: Either.Either<Isolation.Isolation, Isolation.SandboxUnavailableError>,
  namespaces: Either.Either<Isolation.Isolation, Isolation.SandboxUnavailableError>,
  languageSummary: string
): string | undefined => {
  if (Either.isLeft(best)) return best.left.remedy
  if (Either.isLeft(namespaces)) return namespaces.left.remedy
  if (best.right.mechanism === "unshare") return "install bubblewrap, which starts sandboxes faster"
  return /: (install [^;]+)/.exec(languageSummary)?.[1]
}

const examine = Effect.gen(function*() {
  const { Isolation, LocalAgb } = yield* load
  const best = yield* Effect.either(Isolation.probe("auto"))
  const namespaces = yield* Effect.either(Isolation.probe("namespaces"))
  const isolation = Either.getOrUndefined(best)
  const { languageSummary, languages } = yield* Effect.scoped(
    LocalAgb.make({ isolation: isolation ?? "none", poolSize: 0 })
  )
  const advice = adviceOf(best, namespaces, languageSummary)
  return { isolation, languages, languageSummary, advice } satisfies Health
})

const cloud = () => ({
  apiKey: process.env["AGB_API_KEY"] ? "set" : "not set",
  endpoint: process.env["AGB_ENDPOINT"] || "the AGB cloud"
})

const print = ({ advice, isolation, languageSummary }: Health) => {
  const { apiKey, endpoint } = cloud()
  const row = (name: string, text: string) => printLine(`${paint(process.stdout, "bold", name.padEnd(10))} ${text}`)
  return Effect.all([
    row("isolation", isolation === undefined ? "none that works here" : `${isolation.level}: ${isolation.description}`),
    row("languages", languageSummary),
    row("node", process.versions.node),
    row("cloud", `AGB_API_KEY is ${apiKey}, endpoint: ${endpoint}`),
    row("improve", advice ?? "nothing to do")
  ], { discard: true })
}

export const doctor = Command.make("doctor", { json: options.json }, ({ json }) =>
  Effect.gen(function*() {
    const health = yield* examine
    const { advice, isolation, languages } = health
    yield* json
      ? printJson({
        isolation: isolation === undefined ? null : isolation.level,
        description: isolation?.description ?? null,
        doesNotStop: isolation?.doesNotStop ?? [],
        languages,
        node: process.versions.node,
        cloud: cloud(),
        improve: advice ?? null
      })
      : print(health)
    if (isolation === undefined) return yield* new ExitCode({ code: 1 })
  })).pipe(
    Command.withDescription(
      "Says which isolation and which languages this machine has for --local, and the one thing that would improve it."
    )
  )
