/** `agb create`, `agb ls`, `agb info`, `agb rm` and `agb gc`: the sessions of the account. */
import * as Agb from "@effect-agb/core/Agb"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { ExitCode } from "../failure.js"
import { complain, printJson, printLine, printTable } from "../output/write.js"
import { existing, imageOf } from "../session/backend.js"
import * as options from "../session/options.js"

const labels = Options.text("label").pipe(
  Options.withDescription("NAME=VALUE; repeatable"),
  Options.repeated
)

const createConfig = {
  image: options.session.image,
  label: labels,
  idleTimeout: Options.text("idle-timeout").pipe(
    Options.withDescription("how long the session lives without being used, such as 10m"),
    Options.withDefault("5m")
  ),
  ...options.existing
}

export const create = Command.make("create", createConfig, (given) =>
  Effect.gen(function*() {
    const agb = yield* Agb.Agb
    const idleTimeout = yield* options.parseTime("idle-timeout", given.idleTimeout)
    const labels = yield* options.parsePairs("label", given.label)
    const { sessionId } = yield* agb.create({ imageId: imageOf(given.image), labels, idleTimeout }, {
      keepAlive: false
    })
    yield* given.json ? printJson({ session: sessionId }) : printLine(sessionId)
  }).pipe(Effect.provide(existing(given)))).pipe(
    Command.withDescription(
      "Creates a session, prints its id and leaves it: it costs money until agb rm or its idle timeout."
    )
  )

export const ls = Command.make("ls", { label: labels, ...options.existing }, (given) =>
  Effect.gen(function*() {
    const agb = yield* Agb.Agb
    const all = agb.list(yield* options.parsePairs("label", given.label))
    if (given.json) {
      return yield* Stream.runForEach(all, ({ sessionId, status }) => printJson({ session: sessionId, status }))
    }
    const sessions = Chunk.toReadonlyArray(yield* Stream.runCollect(all))
    yield* printTable(["SESSION", "STATUS"], sessions.map(({ sessionId, status }) => [sessionId, status]))
  }).pipe(Effect.provide(existing(given)))).pipe(
    Command.withDescription("Lists the sessions of the account.")
  )

const infoConfig = {
  session: options.sessionId,
  url: Options.boolean("url").pipe(
    Options.withDescription("also the URL to view the session, which contains a short-lived access code")
  ),
  ...options.existing
}

const mebibytes = (bytes: Option.Option<number>): string =>
  Option.match(bytes, { onNone: () => "?", onSome: (count) => `${(count / 2 ** 20).toFixed(1)} MiB` })

export const info = Command.make("info", infoConfig, (given) =>
  Effect.gen(function*() {
    const agb = yield* Agb.Agb
    const session = yield* agb.attach(given.session)
    const status = yield* session.status
    const labels = yield* session.getLabels
    const url = given.url ? (yield* session.info).resourceUrl : undefined
    // Not every image tells its usage.
    const metrics = yield* Effect.option(session.metrics)
    const used = Option.flatMap(metrics, ({ memoryUsedBytes }) => memoryUsedBytes)
    if (given.json) {
      const memoryUsedBytes = Option.getOrNull(used)
      return yield* printJson({
        session: session.sessionId,
        status,
        labels,
        memoryUsedBytes,
        ...url === undefined ? {} : { url }
      })
    }
    const rows = [
      ["session", session.sessionId],
      ["status", status],
      ["labels", Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(" ")],
      ["memory", mebibytes(used)],
      ...url === undefined ? [] : [["url", url]]
    ]
    yield* printTable(["", ""], rows)
  }).pipe(Effect.provide(existing(given)))).pipe(Command.withDescription("Describes a session."))

const rmConfig = {
  sessions: options.sessionId.pipe(Args.atLeast(1)),
  sync: Options.boolean("sync").pipe(
    Options.withDescription("saves the contexts of the session before; one that was not saved is not deleted")
  ),
  ...options.existing
}

const sayDeleted = (isJson: boolean, sessionId: string, isDeleted: boolean) => {
  if (isJson) return printJson({ session: sessionId, deleted: isDeleted })
  return isDeleted ? printLine(sessionId) : Effect.void
}

export const rm = Command.make("rm", rmConfig, (given) =>
  Effect.gen(function*() {
    const agb = yield* Agb.Agb
    const remove = (sessionId: string) => Effect.either(agb.delete(sessionId, { sync: given.sync }))
    const results = yield* Effect.forEach(given.sessions, remove, { concurrency: 8 })
    for (const [index, result] of results.entries()) {
      const sessionId = given.sessions[index] ?? ""
      if (Either.isLeft(result)) yield* complain(`${sessionId}: ${result.left.message}`)
      yield* sayDeleted(given.json, sessionId, Either.isRight(result))
    }
    if (results.some(Either.isLeft)) return yield* new ExitCode({ code: 1 })
  }).pipe(Effect.provide(existing(given)))).pipe(
    Command.withDescription("Deletes sessions. One that does not exist counts as deleted.")
  )
