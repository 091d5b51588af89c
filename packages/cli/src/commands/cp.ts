/** `agb cp`: copies files and directories to a session and back. */
import { Session } from "@effect-agb/core/Session"
import * as Transfer from "@effect-agb/core/Transfer"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Path from "node:path"
import { UsageError } from "../failure.js"
import { formatBytes, progressBar } from "../output/progress.js"
import { note, printJson } from "../output/write.js"
import { inExisting } from "../session/backend.js"
import * as options from "../session/options.js"

interface Place {
  readonly path: string
  /** Undefined on this machine. */
  readonly session: string | undefined
}

/** A path with a slash before the colon is one of this machine, as for `scp`. */
const parsePlace = (text: string): Place => {
  const [, session, path] = /^([^/:]+):(.*)$/s.exec(text) ?? []
  return session === undefined ? { path: text, session: undefined } : { path: path ?? "", session }
}

/** Paths of the session are relative to its working directory. */
const absolute = (session: Session, path: string) =>
  path.startsWith("/")
    ? Effect.succeed(Path.posix.normalize(path))
    : Effect.map(
      session.command.executeCommand("pwd"),
      ({ stdout }) => Path.posix.join(stdout.replace(/\n$/, ""), path)
    )

const withoutSlash = (path: string): string => path.replace(/(?<=.)\/+$/, "")

/** Into a directory that is there, like `cp`. */
const targetOf = (path: string, isDirectory: boolean, source: string): string =>
  isDirectory ? Path.posix.join(path, Path.posix.basename(source)) : withoutSlash(path)

const isRemoteDirectory = ({ fileSystem }: Session, path: string) =>
  fileSystem.stat(path).pipe(
    Effect.map(({ type }) => type === "Directory"),
    Effect.catchTag("FileNotFoundError", () => Effect.succeed(false))
  )

const isLocalDirectory = (path: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.stat(path)).pipe(
    Effect.map(({ type }) => type === "Directory"),
    Effect.catchIf((error) => error._tag === "SystemError" && error.reason === "NotFound", () => Effect.succeed(false))
  )

const upload = (session: Session, source: string, place: Place, settings: Transfer.TransferOptions) =>
  Effect.gen(function*() {
    const path = withoutSlash(yield* absolute(session, place.path))
    const target = targetOf(path, yield* isRemoteDirectory(session, path), Path.resolve(source))
    return { target, transfer: Transfer.upload(source, target, settings) }
  })

const download = (session: Session, place: Place, target: string, settings: Transfer.TransferOptions) =>
  Effect.gen(function*() {
    const source = withoutSlash(yield* absolute(session, place.path))
    const local = targetOf(target, yield* isLocalDirectory(target), source)
    return { target: local, transfer: Transfer.download(source, local, settings) }
  })

const nothing: Transfer.Progress = { path: "", files: 0, totalFiles: 0, bytes: 0, totalBytes: 0, skipped: [] }

const follow = <E, R>(transfer: Stream.Stream<Transfer.Progress, E, R>) =>
  Effect.gen(function*() {
    const show = yield* progressBar
    const last = yield* Stream.runLast(Stream.tap(transfer, show))
    return Option.getOrElse(last, () => nothing)
  }).pipe(Effect.scoped)

const config = {
  source: Args.text({ name: "source" }).pipe(Args.withDescription("a path of this machine, or SESSION:PATH")),
  destination: Args.text({ name: "destination" }).pipe(Args.withDescription("the same; one of both is in a session")),
  checksum: Options.boolean("checksum").pipe(
    Options.withDescription("compares every file once more after it was copied")
  ),
  ...options.existing
}

export const cp = Command.make("cp", config, (given) =>
  Effect.gen(function*() {
    const [source, destination] = [parsePlace(given.source), parsePlace(given.destination)]
    const sessionId = source.session ?? destination.session
    if (sessionId === undefined || source.session !== undefined && destination.session !== undefined) {
      return yield* new UsageError({ message: "one of both paths, and not both, must be SESSION:PATH" })
    }
    const settings = given.checksum ? { verify: "checksum" as const } : {}
    yield* inExisting(given, sessionId, (session) =>
      Effect.gen(function*() {
        const { target, transfer } = destination.session === undefined
          ? yield* download(session, source, given.destination, settings)
          : yield* upload(session, given.source, destination, settings)
        const { bytes, files, skipped } = yield* follow(Stream.provideService(transfer, Session, session))
        if (given.json) return yield* printJson({ target, files, bytes, skipped })
        if (skipped.length > 0) {
          yield* note(`left out, since they are neither files nor directories: ${skipped.join(", ")}`)
        }
        if (process.stderr.isTTY) {
          yield* note(`${files} ${files === 1 ? "file" : "files"}, ${formatBytes(bytes)} to ${target}`)
        }
      }))
  })).pipe(
    Command.withDescription(
      "Copies a file or a directory to a session (agb cp data SESSION:/tmp) or from it (agb cp SESSION:/tmp/out .). Into a " +
        "directory that is there, like cp. A copy that broke off goes on where it stopped."
    )
  )
