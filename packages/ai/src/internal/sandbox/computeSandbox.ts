/** A session as a sandbox of ComputeSDK. */
import type * as Session from "@effect-agb/core/Session"
import type * as Sdk from "computesdk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { createParents, type Resolve, resolver } from "../paths.js"
import { collect } from "./collect.js"
import { promise } from "./promises.js"

const run = (
  { command: commands }: Session.Session,
  command: string,
  options: Sdk.RunCommandOptions,
  resolve: Resolve
) =>
  Effect.gen(function*() {
    const place = { cwd: options.cwd === undefined ? undefined : yield* resolve(options.cwd), envs: options.env }
    if (options.background === true) {
      yield* commands.startDetached(command, { ...place, key: crypto.randomUUID() })
      return { stdout: "", stderr: "", exitCode: 0, durationMs: 0 }
    }
    const timeout = options.timeout === undefined ? {} : { timeout: Duration.millis(options.timeout) }
    return yield* collect(
      commands,
      command,
      { ...place, ...timeout },
      (stream, text) => options[stream === "Stdout" ? "onStdout" : "onStderr"]?.(text)
    )
  })

const filesOf = ({ fileSystem: files }: Session.Session, resolve: Resolve): Sdk.SandboxFileSystem => {
  const at = <A, E>(path: string, use: (absolute: string) => Effect.Effect<A, E>) =>
    promise(Effect.flatMap(resolve(path), use))
  return {
    readFile: (path) => at(path, files.readFile),
    writeFile: (path, content) =>
      at(path, (absolute) => Effect.zipRight(createParents(files, absolute), files.writeFile(absolute, content))),
    readdir: (path) =>
      at(
        path,
        (absolute) =>
          Effect.map(files.listDirectory(absolute), (entries) =>
            entries.map(({ isDirectory, name }) => ({
              name,
              type: isDirectory ? "directory" as const : "file" as const
            })))
      ),
    mkdir: (path) => at(path, files.createDirectory),
    exists: (path) => at(path, files.exists),
    remove: (path) => at(path, (absolute) => files.remove(absolute, { recursive: true }))
  }
}

export const make = (
  session: Session.Session,
  destroy: () => Promise<void>,
  envs: Record<string, string> = {}
): Sdk.SandboxInterface => {
  const id = session.sessionId
  const createdAt = new Date()
  const resolve = resolver(session.command)
  return {
    sandboxId: id,
    provider: "agb",
    runCommand: (command, options = {}) =>
      promise(run(session, command, { ...options, env: { ...envs, ...options.env } }, resolve)),
    getInfo: async () => {
      const status = await promise(session.status) === "RUNNING" ? "running" as const : "stopped" as const
      return { id, provider: "agb", status, createdAt, timeout: 0 }
    },
    getUrl: ({ port, protocol = "https" }) =>
      promise(session.getLink({ port, protocolType: /^wss?$/.test(protocol) ? "wss" : "https" })),
    destroy,
    filesystem: filesOf(session, resolve)
  }
}
