/** Options that several commands have. */
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { UsageError } from "../failure.js"

const { withDescription } = Options

export const json = Options.boolean("json").pipe(
  withDescription("prints JSON, one value per line; errors as JSON on standard error")
)

const local = Options.boolean("local").pipe(
  withDescription("works on this machine instead of in the cloud")
)

/** Where a session is that another program has created. */
export const existing = { json, local }

/** The session that a command works in: one of its own, or one that is there. */
export const session = {
  ...existing,
  session: Options.text("session").pipe(
    Options.withAlias("s"),
    Options.withSchema(Schema.NonEmptyString),
    withDescription("works in this session and leaves it; otherwise in one of its own, which is deleted at the end"),
    Options.optional
  ),
  image: Options.text("image").pipe(
    withDescription("image of a session of its own, such as agb-code-space-1, the default"),
    Options.optional
  ),
  isolation: Options.choice("isolation", ["auto", "namespaces", "landlock", "none"]).pipe(
    withDescription("with --local: how the session is separated from this machine; none: not at all"),
    Options.withDefault("auto" as const)
  ),
  network: Options.choice("network", ["none", "outbound", "host"]).pipe(
    withDescription("with --local: what the session reaches"),
    Options.withDefault("none" as const)
  )
}

export const timeout = Options.text("timeout").pipe(
  withDescription("time limit, such as 30, 90s, 5m or 2h; otherwise 5m for code, none for commands"),
  Options.optional
)

export const sessionId = Args.text({ name: "session" }).pipe(
  Args.withSchema(Schema.NonEmptyString),
  Args.withDescription("id of a session")
)

export const processKey = Args.text({ name: "process" }).pipe(Args.withDescription("name of a process, see `agb ps`"))

const units: Readonly<Record<string, number>> = { "": 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds. */
export const parseTime = (option: string, text: string): Either.Either<number, UsageError> => {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)(ms|[smhd])?$/.exec(text) ?? []
  return count === undefined || Number(count) === 0
    ? Either.left(new UsageError({ message: `--${option} must be a time above 0, such as 30, 90s, 5m or 2h` }))
    : Either.right(Number(count) * (units[unit] ?? 1000))
}

/** Milliseconds of an option that may be absent. */
export const optionalTime = (
  option: string,
  text: Option.Option<string>
): Either.Either<number | undefined, UsageError> =>
  Option.match(text, { onNone: () => Either.right(undefined), onSome: (text) => parseTime(option, text) })

/** Of `NAME=VALUE`; the value is not quoted, since it may be a secret. */
export const parsePairs = (
  option: string,
  pairs: ReadonlyArray<string>
): Effect.Effect<Readonly<Record<string, string>>, UsageError> =>
  pairs.every((pair) => /^[^=]+=/.test(pair))
    ? Effect.succeed(Object.fromEntries(pairs.map((pair) => {
      const index = pair.indexOf("=")
      return [pair.slice(0, index), pair.slice(index + 1)]
    })))
    : new UsageError({ message: `--${option} must be NAME=VALUE` })
