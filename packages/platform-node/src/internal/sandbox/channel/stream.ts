/** The output of a call as a stream, with backpressure to the program that writes it. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { eventBytes, makeReceipts } from "../../agentWire/window.js"
import type { CallError, RunningCall, SandboxConnection } from "./connection.js"
import { parsedAnswer } from "./largeAnswer.js"
import { noticeFor, type OomNotice, withNotice } from "./oomNotice.js"
import type { SandboxAnswer, SandboxCall, SandboxOutput } from "./protocol.js"

/** Output as it arrives, and last the answer. */
export type SandboxEvent =
  | { readonly _tag: "Output"; readonly output: SandboxOutput }
  | { readonly _tag: "Answer"; readonly answer: SandboxAnswer }

type Emit = { single: (event: SandboxEvent) => unknown; fail: (error: CallError) => void; end: () => void }

const windowCost = ({ body }: SandboxOutput): number => body.length + eventBytes

/** Copies, since a view would keep the whole receive buffer alive while a slow reader lets it wait. */
const copied = ({ body, event }: SandboxOutput): SandboxOutput => ({ event, body: new Uint8Array(body) })

/** Starts a call with flow control: the agent sends at most a window ahead of what the reader has acknowledged. */
const open = (connection: SandboxConnection, oomNotice: OomNotice, call: SandboxCall, emit: Emit) => {
  let unread = 0
  const addUnread = (bytes: number) => {
    unread += bytes
    connection.addUnread(bytes)
  }
  const removeUnread = (bytes: number) => {
    unread -= bytes
    connection.removeUnread(bytes)
  }
  const onOutput = (output: SandboxOutput) => {
    addUnread(windowCost(output))
    emit.single({ _tag: "Output", output: copied(output) })
  }
  const running: RunningCall = connection.start(call, undefined, {
    hasUnreadOutput: () => unread > 0,
    onOutput,
    onEnd: (end) => {
      if (Either.isLeft(end)) return emit.fail(end.left)
      const { answer, output } = withNotice(parsedAnswer(end.right), noticeFor(call, oomNotice))
      if (output !== undefined) onOutput(output)
      emit.single({ _tag: "Answer", answer })
      emit.end()
    }
  })
  const acknowledge = makeReceipts((consumed) => running.send({ consumed }))
  return {
    read: (output: SandboxOutput) => {
      removeUnread(windowCost(output))
      acknowledge(windowCost(output))
    },
    close: () => {
      running.cancel()
      removeUnread(unread)
    }
  }
}

export const makeStream =
  (connection: SandboxConnection, oomNotice: OomNotice) =>
  (call: SandboxCall): Stream.Stream<SandboxEvent, CallError> =>
    Stream.suspend(() => {
      let flow: ReturnType<typeof open> | undefined
      const events = Stream.asyncPush<SandboxEvent, CallError>(
        (emit) =>
          Effect.acquireRelease(
            Effect.sync(() => (flow = open(connection, oomNotice, call, emit))),
            ({ close }) => Effect.sync(close)
          ),
        { bufferSize: "unbounded" }
      )
      return Stream.tap(events, (event) =>
        Effect.sync(() => {
          if (event._tag === "Output") flow?.read(event.output)
        }))
    })
