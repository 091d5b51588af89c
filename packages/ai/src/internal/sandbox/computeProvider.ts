/** Sessions as the sandboxes of ComputeSDK. */
import { Agb } from "@effect-agb/core/Agb"
import { InvalidRequestError } from "@effect-agb/core/AgbError"
import type { Input } from "@effect-agb/core/CreateSessionParams"
import * as Session from "@effect-agb/core/Session"
import type * as Sdk from "computesdk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scope from "effect/Scope"
import { collect } from "./collect.js"
import { baseDirectory, createParents, type Resolve, resolver } from "./paths.js"
import { promise } from "./promises.js"

export interface ComputeOptions {
  readonly agb: Layer.Layer<Agb, unknown>
  readonly session: Input
}

export interface ComputeProvider {
  readonly name: "agb"
  readonly sandbox: {
    readonly create: (options?: Sdk.CreateSandboxOptions) => Promise<Sdk.SandboxInterface>
    readonly getById: (sandboxId: string) => Promise<Sdk.SandboxInterface | null>
    readonly destroy: (sandboxId: string) => Promise<void>
  }
  readonly dispose: () => Promise<void>
}

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

const sandboxOf = (
  session: Session.Session,
  destroy: () => Promise<void>,
  envs: Record<string, string> = {}
): Sdk.SandboxInterface => {
  const id = session.sessionId
  const createdAt = new Date()
  const resolve = resolver(Effect.runSync(Effect.cached(baseDirectory(session.command))))
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

const paramsOf = (params: Input, { image, snapshotId, templateId }: Sdk.CreateSandboxOptions) =>
  snapshotId === undefined ?
    Effect.succeed({ ...params, imageId: image ?? templateId ?? params.imageId }) :
    Effect.fail(
      new InvalidRequestError({
        operation: "ComputeSdk.create",
        field: "snapshotId",
        given: "a snapshot",
        expected: "left out: sessions have no snapshots"
      })
    )

/** What this provider created: each in a scope of its own, whose end deletes it. */
type Owned = Map<string, { readonly sandbox: Sdk.SandboxInterface; readonly scope: Scope.CloseableScope }>

export const make = ({ agb, session: params }: ComputeOptions): ComputeProvider => {
  const runtime = ManagedRuntime.make(agb)
  const owned: Owned = new Map()
  const within = async <A, E>(effect: Effect.Effect<A, E, Agb>, signal?: AbortSignal) =>
    promise(Effect.provide(effect, await runtime.runtime()), signal)

  const destroy = async (id: string) => {
    const scope = owned.get(id)?.scope
    owned.delete(id)
    await within(scope === undefined ? Effect.flatMap(Agb, (agb) => agb.delete(id)) : Scope.close(scope, Exit.void))
  }
  const create = async ({ envs, signal, ...options }: Sdk.CreateSandboxOptions = {}) => {
    const scope = Effect.runSync(Scope.make())
    const session = await within(
      Effect.flatMap(paramsOf(params, options), Session.make).pipe(
        Scope.extend(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      ),
      signal
    )
    const sandbox = sandboxOf(session, () => destroy(session.sessionId), envs)
    owned.set(session.sessionId, { scope, sandbox })
    return sandbox
  }
  const attach = (id: string) =>
    within(
      Session.attach(id).pipe(
        Effect.map((session) => sandboxOf(session, () => destroy(id))),
        Effect.catchTag("SessionLostError", () => Effect.succeed(null))
      )
    )
  return {
    name: "agb",
    sandbox: { create, destroy, getById: async (id) => owned.get(id)?.sandbox ?? attach(id) },
    dispose: async () => {
      await Promise.all([...owned.keys()].map(destroy))
      await runtime.dispose()
    }
  }
}
