/**
 * Which hosts of sessions there are. Each tells of itself every few seconds, and one that has not for a while is gone. One entity keeps the
 * list for all runners; after its start a host that it does not know is not gone yet.
 */
import * as Entity from "@effect/cluster/Entity"
import * as Rpc from "@effect/rpc/Rpc"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** How often a host tells of itself, and runners ask for the list. */
export const beat = Duration.seconds(5)

/** A host that has not told of itself for so long is gone, in milliseconds. */
const expiresAfter = 15_000

const Host = Schema.Struct({
  name: Schema.String,
  /** Where its sessions are reached. */
  endpoint: Schema.String,
  /** How many sessions it has. */
  sessions: Schema.Number
})

/** What a runner is told of a host. */
export interface KnownHost extends Schema.Schema.Type<typeof Host> {
  /** How often it has told of itself. */
  readonly beats: number
}

const Registry = Entity.make("AgbHosts", [
  Rpc.make("announce", { payload: Host }),
  Rpc.make("list", {
    success: Schema.Struct({
      hosts: Schema.Array(Schema.Struct({ ...Host.fields, beats: Schema.Number })),
      /** Whether a host that is not in the list is gone. */
      isComplete: Schema.Boolean
    })
  })
])

/** The list, as a client asks for it. */
export const client = Effect.map(Registry.client, (make) => make("hosts"))

export type Client = Effect.Effect.Success<typeof client>

/** Lets this runner keep the list. */
export const layer = Registry.toLayer(
  Effect.gen(function*() {
    const startedAt = yield* Clock.currentTimeMillis
    const hosts = new Map<string, KnownHost & { readonly at: number }>()
    return {
      announce: ({ payload: { endpoint, name, sessions } }) =>
        Effect.map(Clock.currentTimeMillis, (at) => {
          const beats = (hosts.get(name)?.beats ?? startedAt) + 1
          hosts.set(name, { name, endpoint, sessions, beats, at })
        }),
      list: () =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          for (const { at, name } of hosts.values()) if (now - at >= expiresAfter) hosts.delete(name)
          return { hosts: [...hosts.values()], isComplete: now - startedAt >= expiresAfter }
        })
    }
  }),
  { concurrency: "unbounded", maxIdleTime: Duration.infinity }
)
