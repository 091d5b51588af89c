/** Sessions as the sandboxes of ComputeSDK. */
import { Agb } from "@effect-agb/core/Agb"
import { InvalidRequestError } from "@effect-agb/core/AgbError"
import type { Input } from "@effect-agb/core/CreateSessionParams"
import * as Session from "@effect-agb/core/Session"
import type * as Sdk from "computesdk"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as computeSandbox from "./computeSandbox.js"
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
    readonly list: () => Promise<Array<Sdk.SandboxInterface>>
    readonly destroy: (sandboxId: string) => Promise<void>
  }
  readonly dispose: () => Promise<void>
}

/** By which `list` finds the sessions that a provider has created, this one or another. */
const label = { computesdk: "sandbox" }

const paramsOf = (params: Input, { image, snapshotId, templateId }: Sdk.CreateSandboxOptions) =>
  snapshotId === undefined ?
    Effect.succeed({
      ...params,
      imageId: image ?? templateId ?? params.imageId,
      labels: { ...params.labels, ...label }
    }) :
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
    const sandbox = computeSandbox.make(session, () => destroy(session.sessionId), envs)
    owned.set(session.sessionId, { scope, sandbox })
    return sandbox
  }
  const attach = (id: string) =>
    within(
      Session.attach(id).pipe(
        Effect.map((session) => computeSandbox.make(session, () => destroy(id))),
        Effect.catchTag("SessionLostError", () => Effect.succeed(null))
      )
    )
  const getById = async (id: string) => owned.get(id)?.sandbox ?? attach(id)
  const list = async () => {
    const found = await within(Effect.flatMap(Agb, (agb) => Stream.runCollect(agb.list(label))))
    // One that ends meanwhile is no longer there.
    const sandboxes = await Promise.all(Chunk.toReadonlyArray(found).map(({ sessionId }) => getById(sessionId)))
    return sandboxes.filter(Predicate.isNotNull)
  }
  return {
    name: "agb",
    sandbox: { create, destroy, getById, list },
    dispose: async () => {
      await Promise.all([...owned.keys()].map(destroy))
      await runtime.dispose()
    }
  }
}
