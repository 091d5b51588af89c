/** The frames that tell a page what happens in a session: JSON texts. */
import type { Message, Output, Result as Shown } from "../../../pageWire/contract.js"
import type { Result } from "../../timeline/entry.js"
import { type EntryView, type Recording, shownResult } from "../../timeline/recording.js"
import { isHeavy } from "../../timeline/replies.js"
import type { Timeline } from "../../timeline/timeline.js"
import type { Part } from "./batch.js"

/** Types that are shown in a frame of no origin. */
const framedTypes = ["text/html", "image/svg+xml"] as const

/** The type and content of a result that is served for a frame. */
export const framedContent = ({ mime }: Result): { readonly type: string; readonly text: string } | undefined => {
  const type = framedTypes.find((type) => typeof mime[type] === "string")
  return type === undefined ? undefined : { type, text: mime[type] as string }
}

const shown = (result: Result, id: string, index: number): Shown => ({
  ...result,
  frame: framedContent(result) === undefined ? null : `/frames/${id}-${index}`
})

const resultsOf = ({ id, results }: EntryView): ReadonlyArray<Shown> =>
  results.map((result, index) => shown(shownResult(result), id, index))

/** An entry as JSON, except for a reply that is not read yet. */
export const entryJson = (view: EntryView): string => {
  const { isScript: _isScript, reply: _reply, startsProcess: _startsProcess, ...entry } = view
  return JSON.stringify({ ...entry, results: resultsOf(view) })
}

const frame = (message: Message): string => JSON.stringify(message)

const lengthOf = (outputs: ReadonlyArray<Output>): number => outputs.reduce((sum, { text }) => sum + text.length, 0)

/** The end of an entry, with what its reply tells beside what was told while it ran: `before` is how it had ended. */
const endFrame = (seq: number, recording: Recording, before: EntryView, timeline: Timeline): string => {
  const hadReply = before.reply !== undefined && !isHeavy(before.reply)
  if (hadReply) timeline.read(recording)
  const view = hadReply ? recording.view() : before
  const { durationMs, error, exitCode, id, omittedBytes, outputs, state } = view
  const isChanged = hadReply
    ? lengthOf(outputs) !== lengthOf(before.outputs)
    : error !== null && error.traceback !== ""
  return frame({
    type: "end",
    seq,
    id,
    state,
    durationMs,
    exitCode,
    error,
    omittedBytes,
    ...(isChanged ? { outputs } : {}),
    ...(hadReply && view.results.length > 0 ? { results: resultsOf(view) } : {})
  })
}

/** What has happened, as one frame. */
export const partFrame = (part: Part, timeline: Timeline): string => {
  const { recording, seq } = part
  switch (part.type) {
    case "entry":
      return `{"type":"entry","seq":${seq},"entry":${entryJson(part.view)}}`
    case "output":
      return frame({ type: "output", seq, id: recording.id, stream: part.stream, text: part.text })
    case "result":
      return frame({
        type: "result",
        seq,
        id: recording.id,
        result: shown(shownResult(part.result), recording.id, part.index)
      })
    case "end":
      return endFrame(seq, recording, part.view, timeline)
  }
}
