/** Effect metrics of what programs do with sessions, and what the spans of the same work say of it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as Stream from "effect/Stream"
import { withLazyFields } from "../wire/lazyFields.js"
import { byteLength } from "../wire/text/bytes.js"
import * as spans from "./spans.js"

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

/** Made when they are first used: most programs use only a few. */
const metrics = withLazyFields({}, {
  runs: () => counter("agb_runs", "Runs of code, by language and outcome"),
  commands: () => counter("agb_commands", "Commands, by outcome"),
  bytesRead: () => counter("agb_bytes_read", "Bytes of files that were read from sessions"),
  bytesWritten: () => counter("agb_bytes_written", "Bytes of files that were written to sessions"),
  retries: () => counter("agb_retries", "Requests that were repeated"),
  sessionSeconds: () => counter("agb_session_seconds", "Lifetimes of deleted sessions of this program, in seconds"),
  poolSessions: () => Metric.gauge("agb_pool_sessions", { description: "Sessions of a pool, by state" }),
  poolWaiting: () => Metric.gauge("agb_pool_waiting", { description: "Borrowers that wait for a session of a pool" }),
  poolWait: () =>
    Metric.histogram(
      "agb_pool_wait_seconds",
      MetricBoundaries.fromIterable([0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300]),
      "How long borrowers waited for a session of a pool, in seconds"
    )
})

/** The series of a metric by their labels: to make one costs more than to use it. */
const series = new Map<string, Metric.Metric<unknown, never, unknown>>()

const labelled = <Type, In, Out>(
  name: string,
  metric: () => Metric.Metric<Type, In, Out>,
  labels: Readonly<Record<string, string>>
): Metric.Metric<Type, In, Out> => {
  const key = [name, ...Object.entries(labels).flat()].join("\0")
  const known = series.get(key) as Metric.Metric<Type, In, Out> | undefined
  if (known !== undefined) return known
  const made = Object.entries(labels).reduce((all, [label, value]) => Metric.tagged(all, label, value), metric())
  series.set(key, made as Metric.Metric<unknown, never, unknown>)
  return made
}

interface Tagged {
  readonly _tag: string
}

const succeeded = "Success"
const interrupted = "Interrupted"

/** `Success`, the tag of the error, `Interrupted` or `Defect`. */
const outcomeOf = (exit: Exit.Exit<unknown, Tagged>): string => {
  if (Exit.isSuccess(exit)) return succeeded
  const failure = Cause.failureOption(exit.cause)
  if (failure._tag === "Some") return failure.value._tag
  return Cause.isInterruptedOnly(exit.cause) ? interrupted : "Defect"
}

interface Output {
  readonly stdout: string
  readonly stderr: string
}

const hasOutput = (value: object): value is Output => "stdout" in value && "stderr" in value

/** Exit code and size of the output, of a result or of an error that has them. */
const attributesOf = (value: object): Readonly<Record<string, number>> => ({
  ...("exitCode" in value && typeof value.exitCode === "number" ? { "agb.exit_code": value.exitCode } : {}),
  ...(hasOutput(value) ? { "agb.output_bytes": byteLength(value.stdout) + byteLength(value.stderr) } : {})
})

const valueOf = (exit: Exit.Exit<object, Tagged>): object =>
  Exit.isSuccess(exit) ?
    exit.value :
    Cause.failureOption(exit.cause).pipe((found) => found._tag === "Some" ? found.value : {})

/** What is counted, and what its span says whatever comes of it. */
interface Work {
  readonly count: (outcome: string) => Effect.Effect<void>
  readonly attributes: Readonly<Record<string, string>>
}

const runOf = (language: string): Work => ({
  count: (outcome) => Metric.update(labelled("agb_runs", () => metrics.runs, { language, outcome }), 1),
  attributes: { "agb.language": language }
})

const commandWork: Work = {
  count: (outcome) => Metric.update(labelled("agb_commands", () => metrics.commands, { outcome }), 1),
  attributes: {}
}

const observed = ({ attributes, count }: Work) =>
<A extends object, E extends Tagged, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.onExit(effect, (exit) =>
    Effect.zipRight(
      count(outcomeOf(exit)),
      spans.annotate(() => ({ ...attributes, ...attributesOf(valueOf(exit)) }))
    ))

/** Observes a run of code. */
export const run = (language: string) => observed(runOf(language))

/** Observes a command. */
export const command = observed(commandWork)

interface Event extends Tagged {
  readonly text?: string
}

/** Reads the outcome of a stream from its events: the last one of a stream that succeeds is its terminal one. */
class Observation {
  outcome = interrupted
  attributes: Readonly<Record<string, number>> = {}
  #bytes = 0
  readonly #isTraced: boolean
  readonly #terminal: string

  constructor(isTraced: boolean, terminal: string) {
    this.#isTraced = isTraced
    this.#terminal = terminal
  }

  event(event: Event): void {
    if (event._tag === this.#terminal) {
      this.outcome = succeeded
      this.#end(event)
    } else if (this.#isTraced && event.text !== undefined) this.#bytes += byteLength(event.text)
  }

  error<E extends Tagged>(error: E): E {
    this.outcome = error._tag
    this.#end(error)
    return error
  }

  #end(end: object): void {
    if (this.#isTraced) this.attributes = { ...attributesOf(end), "agb.output_bytes": this.#bytes }
  }
}

const observedStream =
  (name: string, terminal: string, { attributes, count }: Work) =>
  <A extends Event, E extends Tagged, R>(events: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
    spans.stream(name)(Stream.unwrap(
      Effect.map(Effect.all([spans.isTraced, spans.annotator]), ([isTraced, annotate]) => {
        const observation = new Observation(isTraced, terminal)
        const told = Effect.suspend(() =>
          Effect.zipRight(count(observation.outcome), annotate(() => ({ ...attributes, ...observation.attributes })))
        )
        return events.pipe(
          Stream.mapChunks((chunk) => {
            for (const event of chunk) observation.event(event)
            return chunk
          }),
          Stream.mapError((error) => observation.error(error)),
          Stream.ensuring(told)
        )
      })
    ))

/** Observes a streamed run of code, in a span of the name. */
export const runStream = (name: string, language: string) => observedStream(name, "Completed", runOf(language))

/** Observes a streamed command, in a span of the name. */
export const commandStream = (name: string) => observedStream(name, "Exited", commandWork)

type Direction = "bytesRead" | "bytesWritten"

const moved = (direction: Direction, bytes: number, annotate: spans.Annotate): Effect.Effect<void> =>
  bytes === 0
    ? Effect.void
    : Effect.zipRight(Metric.update(metrics[direction], bytes), annotate(() => ({ "agb.bytes": bytes })))

const movedStream =
  (direction: Direction) => <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Uint8Array, E, R> =>
    Stream.unwrap(Effect.map(spans.annotator, (annotate) => {
      let size = 0
      return bytes.pipe(
        Stream.mapChunks((pieces) => {
          for (const piece of pieces) size += piece.byteLength
          return pieces
        }),
        Stream.ensuring(Effect.suspend(() => moved(direction, size, annotate)))
      )
    }))

/** Counts the bytes of a file that is read, as far as they came. */
export const read = movedStream("bytesRead")

/** Counts the bytes of a file that was read. */
export const readBytes = (bytes: number): Effect.Effect<void> => moved("bytesRead", bytes, spans.annotate)

/** Counts the bytes of a file that is written from a stream, as far as they were handed over. */
export const writtenStream = movedStream("bytesWritten")

/** Counts the bytes of a file that was written. */
export const writtenBytes = (bytes: number): Effect.Effect<void> => moved("bytesWritten", bytes, spans.annotate)

/** The same of its content. */
export const written = (content: string | Uint8Array): Effect.Effect<void> =>
  Effect.suspend(() => writtenBytes(typeof content === "string" ? byteLength(content) : content.byteLength))

/** Counts a request that is repeated, and tells its span how many attempts there were. */
export const attempt = (nth: number): Effect.Effect<void> =>
  Effect.zipRight(
    Effect.suspend(() => Metric.update(metrics.retries, 1)),
    spans.annotate(() => ({ "agb.attempts": nth }))
  )

/** Adds the lifetime of a session that was deleted. */
export const sessionEnded = (millis: number): Effect.Effect<void> =>
  Effect.suspend(() => Metric.update(metrics.sessionSeconds, Math.max(0, millis) / 1000))

interface PoolStats {
  readonly size: number
  readonly idle: number
  readonly borrowed: number
  readonly waiting: number
}

/** Sets what is known of a pool. Sessions that are created, checked, reset or deleted are `changing`. */
export const pool = ({ borrowed, idle, size, waiting }: PoolStats): Effect.Effect<void> => {
  const set = (state: string, value: number) =>
    Metric.update(labelled("agb_pool_sessions", () => metrics.poolSessions, { state }), value)
  return Effect.all([
    set("idle", idle),
    set("borrowed", borrowed),
    set("changing", size - idle - borrowed),
    Metric.update(metrics.poolWaiting, waiting)
  ], { discard: true })
}

/** Records how long a borrower waited, however that ended, in the span too. */
export const poolWait = <A, E, R>(wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.clockWith((clock) => {
    const start = clock.unsafeCurrentTimeMillis()
    return Effect.onExit(wait, () => {
      const millis = clock.unsafeCurrentTimeMillis() - start
      return Effect.zipRight(
        Metric.update(metrics.poolWait, millis / 1000),
        spans.annotate(() => ({ "agb.queue_ms": millis }))
      )
    })
  })
