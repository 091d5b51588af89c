/** `agb gc`: deletes the sessions that killed programs have left behind. */
import * as Agb from "@effect-agb/core/Agb"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ExitCode } from "../failure.js"
import { note, printJson, printTable } from "../output/write.js"
import { existing } from "../session/backend.js"
import * as options from "../session/options.js"

const config = {
  force: Options.boolean("force").pipe(Options.withDescription("deletes them; otherwise they are only listed")),
  olderThan: Options.text("older-than").pipe(
    Options.withDescription(
      "also sessions of programs on other machines that are at least this old, such as 2h: nobody may use them"
    ),
    Options.optional
  ),
  ...options.existing
}

interface Row {
  readonly session: string
  readonly action: "would delete" | "deleted" | "kept" | "failed"
  readonly reason: string
  readonly createdAt?: string
}

const rowsOf = ({ deleted, failed, kept }: Agb.SweepReport, force: boolean): ReadonlyArray<Row> => [
  ...deleted.map(({ createdAt, reason, sessionId }) => ({
    session: sessionId,
    action: force ? "deleted" as const : "would delete" as const,
    reason,
    createdAt: createdAt.toISOString()
  })),
  ...kept.map(({ error, reason, sessionId }) => ({
    session: sessionId,
    action: "kept" as const,
    reason: Option.match(error, { onNone: () => reason, onSome: ({ message }) => `${reason}: ${message}` })
  })),
  ...failed.map(({ createdAt, error, sessionId }) => ({
    session: sessionId,
    action: "failed" as const,
    reason: error.message,
    createdAt: createdAt.toISOString()
  }))
]

export const gc = Command.make("gc", config, (given) =>
  Effect.gen(function*() {
    const agb = yield* Agb.Agb
    const olderThan = yield* options.optionalTime("older-than", given.olderThan)
    const report = yield* agb.sweep({ dryRun: !given.force, olderThan })
    const rows = rowsOf(report, given.force)
    if (given.json) yield* Effect.forEach(rows, printJson, { discard: true })
    else {
      yield* printTable(
        ["SESSION", "ACTION", "CREATED", "REASON"],
        rows.map(({ action, createdAt = "", reason, session }) => [session, action, createdAt, reason])
      )
      if (!given.force && report.deleted.length > 0) yield* note("nothing was deleted; agb gc --force does it")
    }
    if (report.failed.length > 0) return yield* new ExitCode({ code: 1 })
  }).pipe(Effect.provide(existing(given)))).pipe(
    Command.withDescription("Lists, and with --force deletes, sessions whose program has ended without deleting them.")
  )
