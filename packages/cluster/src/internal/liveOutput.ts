/** Output of commands and of code while it is written. */
import type * as AgbError from "@effect-agb/core/AgbError"
import type { Session } from "@effect-agb/core/Session"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as codeRuns from "./codeRuns.js"
import type { CodeEvent, CommandEvent } from "./entityCalls.js"

interface StartOptions {
  readonly timeout?: Duration.DurationInput | undefined
  readonly cwd?: string | undefined
  readonly envs?: Readonly<Record<string, string>> | undefined
}

const tags = { stdout: "Stdout", stderr: "Stderr" } as const

/** The process of the key, started or found: its output from the beginning, and how it ended. */
export const ofCommand = (
  { command: { startDetached } }: Session,
  key: string,
  command: string,
  options: StartOptions
): Stream.Stream<typeof CommandEvent.Type, AgbError.AgbError> =>
  Stream.unwrap(Effect.map(startDetached(command, { ...options, key }), (process) => {
    const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
    const rest = () =>
      (["stdout", "stderr"] as const).map((stream) => ({ _tag: tags[stream], text: decoders[stream].decode() }))
    return process.logs().pipe(
      Stream.map(({ bytes, stream }) => ({
        _tag: tags[stream],
        text: decoders[stream].decode(bytes, { stream: true })
      })),
      Stream.concat(Stream.suspend(() => Stream.fromIterable(rest()))),
      Stream.filter(({ text }) => text !== ""),
      Stream.concat(
        Stream.map(process.exit, ({ exitCode, timedOut }) => ({ _tag: "Exited" as const, exitCode, timedOut }))
      )
    )
  }))

/** A run of code that begins once for each key. */
export const ofCode = (
  session: Session,
  key: string,
  { code, language }: codeRuns.Source,
  options: codeRuns.RunCodeOptions
): Stream.Stream<typeof CodeEvent.Type, AgbError.AgbError> =>
  Stream.unwrap(Effect.map(codeRuns.claimRun(session, key), (isOurs) =>
    isOurs
      ? Stream.map(session.code.runCodeStream(code, language, options), (event) =>
        event._tag === "Completed" ? { ...event, result: codeRuns.resultOf(event.result) } : event)
      : Stream.fail(codeRuns.unknown("it was begun before, and its output can be read once"))))
