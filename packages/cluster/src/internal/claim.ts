/**
 * The claim of a runner on a session: a file of the session that names who took it last. Two runners may hold the same entity for a
 * while, since one that was stopped does not know that its lock has expired. Whoever took the session later has it.
 */
import type * as AgbError from "@effect-agb/core/AgbError"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import type { Session } from "@effect-agb/core/Session"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

const claimPath = "/tmp/.agb-entity"

const pulsePath = "/tmp/.agb-entity-pulse"

/** How often a runner shows that it has the session. */
const pulseEvery = Duration.minutes(1)

/** In this time a runner that has lost a shard knows it: longer than the lock on a shard lasts. */
const lockExpires = Duration.minutes(1)

const read = (fileSystem: FileSystem, path: string): Effect.Effect<Option.Option<string>, AgbError.AgbError> =>
  fileSystem.readFile(path).pipe(
    Effect.asSome,
    Effect.catchIf(({ _tag }) => _tag === "FileNotFoundError", () => Effect.succeedNone)
  )

/** What the last runner of a session wrote; it changes for as long as there is one. */
export const pulse = (
  { fileSystem }: Pick<Session, "fileSystem">
): Effect.Effect<Option.Option<string>, AgbError.AgbError> => read(fileSystem, pulsePath)

export class Claim {
  readonly #token = crypto.randomUUID()
  readonly #fileSystem: FileSystem

  constructor({ fileSystem }: Pick<Session, "fileSystem">) {
    this.#fileSystem = fileSystem
  }

  /** Takes the session, and shows that until the end of the scope. */
  readonly take: Effect.Effect<void, AgbError.AgbError, Scope.Scope> = Effect.suspend(() =>
    Effect.zipRight(
      this.#write,
      Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.ignore(this.#pulse), Effect.sleep(pulseEvery))))
    )
  )

  /** Whether nobody has taken the session since. One whose claim was removed by a program is still ours. */
  readonly isOurs: Effect.Effect<boolean, AgbError.AgbError> = Effect.suspend(() =>
    Effect.flatMap(
      read(this.#fileSystem, claimPath),
      Option.match({
        onNone: () => Effect.as(this.#write, true),
        onSome: (token) => Effect.succeed(token === this.#token)
      })
    )
  )

  /**
   * Passes whoever has the session. The others wait until their runner knows that it lost the shard, and ends them; one that still
   * runs by then has the shard, and takes the session again.
   */
  readonly pass: Effect.Effect<void, AgbError.AgbError> = Effect.suspend(() =>
    Effect.flatMap(
      this.isOurs,
      (isOurs) => isOurs ? Effect.void : Effect.zipRight(Effect.sleep(lockExpires), this.#write)
    )
  )

  readonly #write: Effect.Effect<void, AgbError.AgbError> = Effect.suspend(() =>
    this.#fileSystem.writeFile(claimPath, this.#token)
  )

  readonly #pulse: Effect.Effect<void, AgbError.AgbError> = Effect.suspend(() =>
    this.#fileSystem.writeFile(pulsePath, crypto.randomUUID())
  )
}
