/** One entry of the timeline. */
import type { Entry, EntryError } from "../../src/internal/pageWire/contract.js"
import { CopyButton, IconButton } from "../parts/buttons.js"
import { useNow } from "../parts/clock.js"
import { Icon } from "../parts/icons.js"
import { memo } from "../parts/memo.js"
import { OutputView, Runs } from "../parts/outputView.js"
import { RichResult } from "../parts/richResult.js"
import { useSignals } from "../state/store.js"
import type { Item } from "../state/timeline.js"
import { runsOfText } from "../text/ansi.js"
import { dateAndTime, durationText, languageName, timeOfDay } from "../text/format.js"
import { CodeView } from "./code.js"
import { editInCell } from "./draft.js"

const kinds: Readonly<Record<Entry["kind"], string>> = {
  code: "Code",
  command: "Command",
  file: "File",
  process: "Process",
  other: "Request"
}

const states: Readonly<Record<Entry["state"], string>> = {
  running: "running",
  succeeded: "succeeded",
  failed: "failed"
}

const kindOf = ({ kind, language }: Entry): string =>
  kind === "code" && language !== null ? languageName(language) : kinds[kind]

/** What an entry is called where one line must do. */
export const summaryOf = (entry: Entry): string => {
  const line = (entry.title || entry.text).split("\n", 1)[0]!.slice(0, 80)
  return `${kindOf(entry)}${line === "" ? "" : ` ${line}`} ${states[entry.state]}`
}

const StateMark = ({ state }: Pick<Entry, "state">) => (
  <span class={`state ${state}`}>
    {state === "running"
      ? <span class="spinner" aria-hidden="true" />
      : <Icon name={state === "failed" ? "failed" : "done"} />}
    <span class="visually-hidden">{states[state]}</span>
  </span>
)

const Duration = ({ entry: { durationMs, startedAt, state } }: { readonly entry: Entry }) => {
  const now = useNow(state === "running")
  const text = state === "running"
    ? durationText(Math.max(0, Math.floor((now - startedAt) / 1000) * 1000))
    : durationText(durationMs ?? 0)
  return state === "running" || durationMs !== null ? <span class="duration">{text}</span> : null
}

const isCode = ({ kind }: Entry): boolean => kind === "code" || kind === "command"

/** A title that only repeats what stands below or beside it says nothing. */
const ownTitle = (entry: Entry): string => {
  if (entry.path !== null && entry.title.endsWith(` ${entry.path}`)) return entry.title.slice(0, -entry.path.length - 1)
  const repeats = isCode(entry) &&
    (entry.text.trimStart().startsWith(entry.title.replace(/…$/, "")) || entry.title === kindOf(entry))
  return repeats || entry.title.toLowerCase() === (entry.language ?? "") ? "" : entry.title
}

interface PartProps {
  readonly entry: Entry
  readonly isSteering: boolean
  readonly onOpenFile: (path: string) => void
}

const Head = ({ entry, isSteering, onOpenFile }: PartProps) => (
  <header class="entry-head">
    <StateMark state={entry.state} />
    <h3 id={`title-${entry.id}`}>
      <span>{kindOf(entry)}</span>
      {ownTitle(entry) === "" ? null : <span class="entry-title">{ownTitle(entry)}</span>}
    </h3>
    {entry.path === null ?
      null :
      <button type="button" class="link-button path" onClick={() => onOpenFile(entry.path!)}>{entry.path}</button>}
    {entry.exitCode === null || (entry.exitCode === 0 && entry.kind === "code") ?
      null :
      <span class={entry.exitCode === 0 ? "exit" : "exit bad"}>exit code {entry.exitCode}</span>}
    {entry.by === "page" ? <span class="by">from this page</span> : null}
    <span class="entry-facts">
      <Duration entry={entry} />
      <time dateTime={new Date(entry.startedAt).toISOString()} title={dateAndTime(entry.startedAt)}>
        {timeOfDay(entry.startedAt)}
      </time>
      {entry.requestId === null ? null : (
        <CopyButton text={entry.requestId} what="request id">
          <code>{entry.requestId.slice(0, 8)}</code>
        </CopyButton>
      )}
      {isSteering && isCode(entry) ?
        (
          <IconButton
            icon="edit"
            label="Edit in the cell"
            onClick={() => editInCell(entry.kind === "command" ? "command" : entry.language ?? "", entry.text)}
          />
        ) :
        null}
    </span>
  </header>
)

/** Some tracebacks begin with their error, some end with it. */
const ErrorView = ({ error: { message, name, traceback } }: { readonly error: EntryError }) => {
  const trace = typeof traceback === "string" ? traceback : traceback?.join("\n") ?? ""
  return (
    <div class="error">
      <p class="error-head">
        <strong>{name}</strong>
        {message === "" ? "" : `: ${message.slice(0, 2000)}`}
      </p>
      {trace.trim() === "" || trace.trim() === message.trim() ?
        null :
        (
          <pre
            class="traceback"
            tabIndex={0}
            role="group"
            aria-label="Traceback"
          ><Runs runs={runsOfText(trace.slice(-32_768))} /></pre>
        )}
    </div>
  )
}

interface EntryProps {
  readonly item: Item
  readonly isSteering: boolean
  readonly onOpenFile: (path: string) => void
}

const EntryCard = ({ isSteering, item, onOpenFile }: EntryProps) => {
  useSignals(item)
  const { entry, output, results } = item
  return (
    <article class={`entry ${entry.state}`} data-entry={entry.id} aria-labelledby={`title-${entry.id}`} tabIndex={-1}>
      <Head entry={entry} isSteering={isSteering} onOpenFile={onOpenFile} />
      {entry.text === "" ? null : <CodeView text={entry.text} label={kindOf(entry)} lines={isCode(entry) ? 30 : 6} />}
      <OutputView output={output} omitted={entry.omittedBytes} label="Output" />
      {results.map((result, index) => <RichResult key={index} {...result} />)}
      {entry.error === null ? null : <ErrorView error={entry.error} />}
    </article>
  )
}

export const EntryView = memo(EntryCard)
