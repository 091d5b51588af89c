/** Commands as the sandbox sessions of the AI SDK have them. */
import type { Command } from "@effect-agb/core/Command"
import type { Process } from "@effect-agb/core/Process"
import type { Experimental_SandboxProcess as SandboxProcess, Experimental_SandboxSession as SandboxSession } from "ai"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Resolve } from "../paths.js"
import { collect } from "./collect.js"
import { aborted, promise, readable } from "./promises.js"

interface Options {
  readonly command: string
  readonly workingDirectory?: string
  readonly env?: Record<string, string>
  readonly abortSignal?: AbortSignal
  readonly stdin?: boolean
}

const placeOf = ({ env, workingDirectory }: Options, resolve: Resolve) =>
  Effect.map(workingDirectory === undefined ? Effect.succeed(undefined) : resolve(workingDirectory), (cwd) => ({
    cwd,
    envs: env
  }))

const run = (command: Command, resolve: Resolve): SandboxSession["run"] => (options) =>
  promise(
    Effect.gen(function*() {
      const { exitCode, stderr, stdout } = yield* collect(command, options.command, yield* placeOf(options, resolve))
      return { exitCode, stdout, stderr }
    }),
    options.abortSignal
  )

/** Once the process takes no more, writing rejects: the stream is cancelled also where nothing of it was read. */
const stdinOf = (process: Process): WritableStream<Uint8Array> => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  Effect.runFork(
    Stream.fromReadableStream(() => readable, (error) => error).pipe(
      Stream.run(process.stdin),
      Effect.catchAll((error) => Effect.promise(() => readable.cancel(error).catch(() => {})))
    )
  )
  return writable
}

/** Killed as soon as the signal is aborted, whether anybody waits or not. */
const handle = (process: Process, signal: AbortSignal | undefined): SandboxProcess => {
  const exit = Effect.map(process.exit, ({ exitCode }) => ({ exitCode }))
  if (signal !== undefined) {
    Effect.runFork(Effect.raceFirst(
      Effect.ignore(exit),
      Effect.catchAll(aborted(signal), () => Effect.ignoreLogged(process.stop))
    ))
  }
  return {
    pid: process.pid,
    stdout: readable(process.stdout),
    stderr: readable(process.stderr),
    wait: () => promise(exit, signal),
    kill: () => promise(process.stop)
  }
}

export const make = (command: Command, resolve: Resolve): Pick<SandboxSession, "run" | "spawn"> => ({
  run: run(command, resolve),
  spawn: (async (options: Options) => {
    const start = Effect.gen(function*() {
      const place = yield* placeOf(options, resolve)
      const stdin = options.stdin === true ? "pipe" as const : "ignore" as const
      return yield* command.startDetached(options.command, { ...place, stdin, key: crypto.randomUUID() })
    })
    const process = await promise(start, options.abortSignal)
    const started = handle(process, options.abortSignal)
    return options.stdin === true ? { ...started, stdin: stdinOf(process) } : started
  }) as SandboxSession["spawn"]
})
