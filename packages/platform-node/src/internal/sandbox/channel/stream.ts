/** The output of a call while it runs, at the pace of its reader. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { eventBytes, makeReceipts } from "../../agentWire/window.js"
import type { CallError, SandboxConnection, Started } from "./connection.js"
import { type MemoryNews, withNews } from "./oomNotice.js"
import type { SandboxAnswer, SandboxCall, SandboxOutput } from "./protocol.js"

/** What a running call says: its output as it comes, and last its answer. */
export type SandboxEvent =
  | { readonly _tag: "Output"; readonly output: SandboxOutput }
  | { readonly _tag: "Answer"; readonly answer: SandboxAnswer }

type Emit = { single: (event: SandboxEvent) => unknown; fail: (error: CallError) => void; end: () => void }

const weight = ({ body }: SandboxOutput): number => body.length + eventBytes

/** A piece of a larger buffer would keep all of it for as long as a slow reader lets it wait. */
const owned = ({ body, event }: SandboxOutput): SandboxOutput => ({ event, body: new Uint8Array(body) })

/** A call and what its reader has not used yet; the agent is told what was, and goes no further than a window ahead. */
const open = (connection: SandboxConnection, news: MemoryNews, call: SandboxCall, emit: Emit) => {
  let unread = 0
  const came = (bytes: number) => {
    unread += bytes
    connection.keep(bytes)
  }
  const used = (bytes: number) => {
    unread -= bytes
    connection.free(bytes)
  }
  const tell = (output: SandboxOutput) => {
    came(weight(output))
    emit.single({ _tag: "Output", output: owned(output) })
  }
  const started: Started = connection.start(call, undefined, {
    isBehind: () => unread > 0,
    onOutput: tell,
    onEnd: (end) => {
      if (Either.isLeft(end)) return emit.fail(end.left)
      const { answer, output } = withNews(call, end.right, news)
      if (output !== undefined) tell(output)
      emit.single({ _tag: "Answer", answer })
      emit.end()
    }
  })
  const receipt = makeReceipts((taken) => started.say({ taken }))
  return {
    take: (output: SandboxOutput) => {
      used(weight(output))
      receipt(weight(output))
    },
    close: () => {
      started.cancel()
      used(unread)
    }
  }
}

export const streamOn =
  (connection: SandboxConnection, news: MemoryNews) => (call: SandboxCall): Stream.Stream<SandboxEvent, CallError> =>
    Stream.suspend(() => {
      let flow: ReturnType<typeof open> | undefined
      const events = Stream.asyncPush<SandboxEvent, CallError>(
        (emit) =>
          Effect.acquireRelease(
            Effect.sync(() => (flow = open(connection, news, call, emit))),
            ({ close }) => Effect.sync(close)
          ),
        { bufferSize: "unbounded" }
      )
      return Stream.tap(events, (event) =>
        Effect.sync(() => {
          if (event._tag === "Output") flow?.take(event.output)
        }))
    })
