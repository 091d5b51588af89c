/** Runs of code whose events a test reads, in the session of a fake server. */
import { type Agb, type Code, Session } from "@effect-agb/core"
import { assert } from "@effect/vitest"
import { Effect, Either, Stream } from "effect"
import { type FakeOptions, FakeServer } from "./fakeSockets.js"

const attached = Session.attach("s-1")

/** Lets other fibers run. */
export const settle = Effect.repeatN(Effect.yieldNow(), 12)

/** Reads a stream to its end: its events, and how it ended. */
export const collected = (stream: Stream.Stream<Code.CodeEvent, Code.RunCodeError>) => {
  const events: Array<Code.CodeEvent> = []
  return Effect.map(
    Effect.either(Stream.runForEach(stream, (event) => Effect.sync(() => void events.push(event)))),
    (ended) => ({ events, ended })
  )
}

/** Forks an effect and lets it come to its first wait. */
export const started = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.zipLeft(Effect.fork(effect), settle)

/** Runs a test against a fake server that has one session. */
export const on = <A, E>(
  body: (server: FakeServer, session: Session.Session) => Effect.Effect<A, E, Agb.Agb>,
  options?: FakeOptions
) =>
  Effect.suspend(() => {
    const server = new FakeServer(options)
    return Effect.flatMap(attached, (session) => body(server, session)).pipe(Effect.provide(server.layer))
  })

/** The error that a stream ended with, which must have this tag. */
export const errorOf = <const Tag extends Code.RunCodeError["_tag"]>(
  ended: Either.Either<void, Code.RunCodeError>,
  tag: Tag
) => {
  if (Either.isRight(ended)) return assert.fail(`expected ${tag}, but the stream ended well`)
  assert.strictEqual(ended.left._tag, tag, String(ended.left))
  return ended.left as Extract<Code.RunCodeError, { readonly _tag: Tag }>
}

/** The output that events carry, and the tags of the others. */
export const texts = (events: ReadonlyArray<Code.CodeEvent>) =>
  events.map((event) => event._tag === "Stdout" || event._tag === "Stderr" ? event.text : event._tag)
