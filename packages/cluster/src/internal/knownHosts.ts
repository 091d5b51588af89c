/** The hosts of sessions as this runner knows them, and who waits for news of one. */
import type { AgbClient } from "@effect-agb/core/AgbClient"
import { type ClientError, TransportError } from "@effect-agb/core/AgbError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { beat, type Client, type KnownHost } from "./hostRegistry.js"

/** A host, until it is gone. */
export interface Host {
  readonly name: string
  readonly endpoint: string
  readonly client: AgbClient.Service
  /** Its sessions, as it told last, and those that were placed there since. */
  sessions: number
  beats: number
  /** Done when it is gone. */
  readonly gone: Deferred.Deferred<void>
  /** Done when it tells of itself the next time. */
  sign: Deferred.Deferred<void>
}

const noHost = (operation: string, name: string | undefined) =>
  new TransportError({
    operation,
    reason: "Unreachable",
    detail: name === undefined ? "there is no host of sessions" : `there is no host ${name}`,
    mayHaveHappened: false,
    retryable: true
  })

export class KnownHosts {
  readonly #registry: Client
  readonly #connect: (endpoint: string) => Effect.Effect<AgbClient.Service>
  readonly #hosts = new Map<string, Host>()
  readonly #complete = Effect.unsafeMakeLatch(false)
  readonly #any = Effect.unsafeMakeLatch(false)

  constructor(registry: Client, connect: (endpoint: string) => Effect.Effect<AgbClient.Service>) {
    this.#registry = registry
    this.#connect = connect
  }

  /** Asks for the list again and again, until the end of the scope. What cannot be asked changes nothing. */
  readonly run: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() =>
    Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.zipRight(this.#refresh, Effect.sleep(beat)))))
  )

  /** The hosts by their names, once there is one or it is known that there is none. */
  readonly all: Effect.Effect<ReadonlyArray<Host>> = Effect.suspend(() =>
    Effect.map(
      Effect.raceFirst(this.#any.await, this.#complete.await),
      () => [...this.#hosts.values()].sort((one, other) => one.name < other.name ? -1 : 1)
    )
  )

  /** The hosts, the one with the fewest sessions first. */
  readonly byLoad = (operation: string): Effect.Effect<ReadonlyArray<Host>, ClientError> =>
    Effect.flatMap(this.all, (hosts) =>
      hosts.length === 0
        ? noHost(operation, undefined)
        : Effect.succeed([...hosts].sort((one, other) => one.sessions - other.sessions)))

  /** The host of this name, unless it is gone. */
  readonly get = (name: string): Effect.Effect<Host | undefined> =>
    Effect.suspend(() => {
      const host = this.#hosts.get(name)
      return host === undefined ? Effect.map(this.#complete.await, () => this.#hosts.get(name)) : Effect.succeed(host)
    })

  readonly named = (operation: string, name: string): Effect.Effect<Host, ClientError> =>
    Effect.flatMap(this.get(name), (host) => host === undefined ? noHost(operation, name) : Effect.succeed(host))

  /**
   * Makes a call of a host. If it is gone by then, or while the call waits, `onGone` fails. A connection that failed tells nothing: the
   * error comes when the host has told of itself again.
   */
  readonly call = <A, E>(
    host: Host,
    call: Effect.Effect<A, ClientError>,
    onGone: () => E
  ): Effect.Effect<A, ClientError | E> => {
    const gone = Effect.flatMap(Deferred.await(host.gone), () => Effect.fail(onGone()))
    const sign = Effect.suspend(() => Deferred.await(host.sign))
    // The first of two may be older than the failure.
    const isThere = Effect.timeoutOption(Effect.zipRight(sign, sign), "30 seconds")
    const told = Effect.catchTag(call, "TransportError", (error) => Effect.zipRight(isThere, Effect.fail(error)))
    // Who calls may not be interruptible, and would wait for whichever comes last.
    return Effect.raceFirst(Effect.interruptible(told), Effect.interruptible(gone))
  }

  readonly #refresh: Effect.Effect<void> = Effect.gen(this, function*() {
    const listed = yield* Effect.exit(Effect.timeout(this.#registry.list(), "5 seconds"))
    if (Exit.isFailure(listed)) return
    const { hosts, isComplete } = listed.value
    yield* Effect.forEach(hosts, (host) => this.#hear(host), { discard: true })
    if (!isComplete) return
    const names = new Set(hosts.map(({ name }) => name))
    for (const host of this.#hosts.values()) if (!names.has(host.name)) yield* this.#forget(host)
    yield* this.#complete.open
  })

  /** One that is elsewhere now is another, which has none of the sessions. */
  #hear({ beats, endpoint, name, sessions }: KnownHost): Effect.Effect<void> {
    return Effect.gen(this, function*() {
      const known = this.#hosts.get(name)
      if (known?.endpoint === endpoint) {
        if (known.beats === beats) return
        const { sign } = known
        known.beats = beats
        known.sessions = sessions
        known.sign = yield* Deferred.make<void>()
        return yield* Effect.asVoid(Deferred.succeed(sign, undefined))
      }
      if (known !== undefined) yield* this.#forget(known)
      const [client, gone, sign] = [
        yield* this.#connect(endpoint),
        yield* Deferred.make<void>(),
        yield* Deferred.make<void>()
      ]
      this.#hosts.set(name, { name, endpoint, client, sessions, beats, gone, sign })
      yield* this.#any.open
    })
  }

  #forget(host: Host): Effect.Effect<void> {
    this.#hosts.delete(host.name)
    return Effect.asVoid(Deferred.succeed(host.gone, undefined))
  }
}
