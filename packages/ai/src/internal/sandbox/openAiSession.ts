/** A session as the sandbox session of the OpenAI Agents SDK. */
import { InvalidRequestError } from "@effect-agb/core/AgbError"
import type { FileSystem, FileSystemError } from "@effect-agb/core/FileSystem"
import type * as Session from "@effect-agb/core/Session"
import * as Agents from "@openai/agents-core"
import type * as Sdk from "@openai/agents-core/sandbox"
import { formatExecResponse, imageOutputFromBytes, truncateOutput } from "@openai/agents-core/sandbox/internal"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { createParents, type PathError, type Resolve, resolverFrom } from "../paths.js"
import { collect } from "./collect.js"
import { promise } from "./promises.js"

const refuse = (field: string, given: string, expected: string) =>
  new InvalidRequestError({ operation: "OpenAiAgents", field, given, expected })

const write = (files: FileSystem, path: string, content: string | Uint8Array) =>
  Effect.zipRight(createParents(files, path), files.writeFile(path, content))

/** What a manifest may list, but for what needs a program or an account of its own in the session. */
export const materialize = (
  files: FileSystem,
  path: string,
  entry: Sdk.Entry
): Effect.Effect<void, FileSystemError> => {
  if (entry.type === "file") return write(files, path, entry.content)
  if (entry.type !== "dir") return refuse(`the manifest's ${path}`, entry.type, "a file or a dir")
  const children = Object.entries(entry.children ?? {})
  return Effect.zipRight(
    files.createDirectory(path),
    Effect.forEach(children, ([name, child]) => materialize(files, `${path}/${name}`, child), { discard: true })
  )
}

/** A diff that does not fit is an answer to the model, not the end of its run. */
const editorOf = ({ fileSystem: files }: Session.Session, resolve: Resolve): Agents.Editor => {
  const change = (path: string, edit: (absolute: string) => Effect.Effect<unknown, FileSystemError | PathError>) =>
    promise(
      Effect.flatMap(resolve(path), edit).pipe(
        Effect.as<Agents.ApplyPatchResult>({ status: "completed" }),
        Effect.catchAll((error) => Effect.succeed<Agents.ApplyPatchResult>({ status: "failed", output: error.message }))
      )
    )
  const patched = (path: string, text: string, diff: string, mode: "create" | "default") =>
    Effect.try({
      try: () => Agents.applyDiff(text, diff, mode),
      catch: (error) => refuse(`the diff of ${path}`, String(error).slice(0, 200), "one that fits the file")
    })
  return {
    createFile: ({ diff, path }) =>
      change(
        path,
        (absolute) => Effect.flatMap(patched(path, "", diff, "create"), (text) => write(files, absolute, text))
      ),
    updateFile: ({ diff, moveTo, path }) =>
      change(path, (absolute) =>
        Effect.gen(function*() {
          const text = yield* patched(path, yield* files.readFile(absolute), diff, "default")
          yield* files.writeFile(absolute, text)
          if (moveTo === undefined) return
          const to = yield* resolve(moveTo)
          yield* createParents(files, to)
          yield* files.moveFile(absolute, to)
        })),
    deleteFile: ({ path }) => change(path, files.deleteFile)
  }
}

const run = (
  { command }: Session.Session,
  resolve: Resolve,
  state: Sdk.SandboxSessionState,
  timeout: Duration.DurationInput
) =>
({ cmd, maxOutputTokens, workdir = "." }: Sdk.ExecCommandArgs) =>
  promise(
    Effect.gen(function*() {
      const place = { cwd: yield* resolve(workdir), envs: state.environment, timeout }
      const { durationMs, exitCode, stderr, stdout } = yield* collect(command, cmd, place).pipe(
        Effect.catchTag("ExecutionTimeoutError", ({ message, stderr, stdout, timeoutMillis }) =>
          Effect.succeed({ exitCode: 124, stdout, stderr: `${stderr}${message}\n`, durationMs: timeoutMillis }))
      )
      const { originalTokenCount, text } = truncateOutput(stdout + stderr, maxOutputTokens)
      return formatExecResponse({
        output: text,
        wallTimeSeconds: durationMs / 1000,
        exitCode,
        ...originalTokenCount === undefined ? {} : { originalTokenCount }
      })
    })
  )

export const make = (
  session: Session.Session,
  manifest: Sdk.Manifest,
  timeout: Duration.DurationInput,
  destroy: () => Promise<void>
): Sdk.SandboxSession => {
  const { fileSystem: files } = session
  const resolve = resolverFrom(Effect.succeed(manifest.root))
  const state: Sdk.SandboxSessionState = { manifest, workspaceReady: true }
  const at = <A, E>(path: string, use: (absolute: string) => Effect.Effect<A, E>) =>
    promise(Effect.flatMap(resolve(path), use))
  return {
    state,
    execCommand: run(session, resolve, state, timeout),
    createEditor: () => editorOf(session, resolve),
    viewImage: ({ path }) =>
      at(path, (file) => Effect.map(files.readFileBytes(file), (bytes) => imageOutputFromBytes(path, bytes))),
    readFile: ({ maxBytes, path }) =>
      at(path, (file) => files.readFileBytes(file, maxBytes === undefined ? {} : { maxBytes })),
    pathExists: (path) => at(path, files.exists),
    materializeEntry: ({ entry, path }) => at(path, (absolute) => materialize(files, absolute, entry)),
    resolveExposedPort: async (port) => {
      const url = new URL(await promise(session.getLink({ port, protocolType: "https" })))
      const tls = url.protocol === "https:"
      return { host: url.hostname, port: Number(url.port || (tls ? 443 : 80)), tls, url: url.href }
    },
    delete: destroy,
    close: destroy
  }
}
