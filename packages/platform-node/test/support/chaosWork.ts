/** What programs do with the sessions of a leak test: most nothing but wait, some read, run and stream, some share a pool. */
import { type Agb, Session, SessionPool } from "@effect-agb/core"
import { Effect, Stream } from "effect"
import { interrupted, type Roll } from "./chaos.js"

const params = { imageId: "agb-code-space-1" }

export type Work = (session: Session.Session) => Effect.Effect<unknown, unknown>

/** Chance chooses one of them. */
export const oneOf = (roll: Roll, works: ReadonlyArray<readonly [probability: number, Work]>): Work => (session) => {
  let left = roll()
  const work = works.find(([probability]) => (left -= probability) < 0)?.[1]
  return work === undefined ? Effect.void : Effect.ignore(work(session))
}

const bytes = new Uint8Array(40_000)

/** Written and read as streams, which end before the file does. */
export const files: Work = ({ fileSystem }) =>
  Effect.zipRight(
    fileSystem.writeFile("/tmp/leak", Stream.make(bytes, bytes)),
    Stream.runDrain(Stream.take(fileSystem.readFileStream("/tmp/leak"), 2))
  )

/** A process that ends with the scope. A session without a shell that runs programs refuses it. */
export const process = (line: string): Work => ({ command }) =>
  Effect.scoped(Effect.flatMap(command.start(line), ({ stdout }) => Stream.runDrain(Stream.take(stdout, 1))))

/** A stream of a command that is left before its end. */
export const commandStream = (line: string): Work => ({ command }) =>
  Stream.runDrain(Stream.take(command.executeCommandStream(line), 2))

/** A stream of a run that is left before its end. */
export const codeStream = (code: string): Work => ({ code: { runCodeStream } }) =>
  Stream.runDrain(Stream.take(runCodeStream(code, "javascript"), 2))

export interface Chaos {
  readonly roll: Roll
  /** How many programs there are. */
  readonly programs: number
  readonly concurrency: number | "unbounded"
  /** How many sessions the pool has at most, and the share of programs that borrow one. */
  readonly pool: { readonly max: number; readonly share: number }
  readonly longestMillis: number
  readonly work: Work
}

/** Programs that are interrupted at any point, each with a session of its own or one of the pool. */
export const run = (
  { concurrency, longestMillis, pool: { max, share }, programs, roll, work }: Chaos
): Effect.Effect<void, unknown, Agb.Agb> =>
  Effect.gen(function*() {
    const pool = yield* SessionPool.make({ session: params, max })
    const program = Effect.suspend(() =>
      (roll() < share ? pool.use(work) : Session.use(params, work)).pipe(interrupted(roll, longestMillis))
    )
    yield* Effect.forEach(Array.from({ length: programs }), () => program, { concurrency, discard: true })
  }).pipe(Effect.scoped)
