/** Processes of the session with their logs; asked for only while somebody looks. */
import type { ComponentChild } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { Process } from "../../src/internal/pageWire/contract.js"
import { useNow } from "../parts/clock.js"
import { ConfirmDialog } from "../parts/dialog.js"
import type { SessionModel } from "../state/sessionModel.js"
import { useSignals } from "../state/store.js"
import { durationText } from "../text/format.js"
import { kill, processes } from "../wire/api.js"
import { LogsView } from "./logsView.js"
import { usePolling } from "./polling.js"

const every = 3000

const stateText = ({ exitCode, signal, state }: Process): string =>
  state === "running"
    ? "running"
    : state === "lost"
    ? "lost"
    : signal !== null
    ? `ended by ${signal}`
    : `exit code ${exitCode ?? "unknown"}`

interface RowProps {
  readonly process: Process
  readonly isSteering: boolean
  readonly isOpen: boolean
  readonly onToggle: () => void
  readonly onKill: (signal: "SIGTERM" | "SIGKILL") => void
}

/** Under which it was started; other processes have ids of `~` and a number. */
const keyOf = ({ id }: Process): string | undefined => id.startsWith("~") ? undefined : id

const nameOf = (process: Process): string => keyOf(process) ?? process.command ?? `process ${process.pid}`

const Row = ({ isOpen, isSteering, onKill, onToggle, process }: RowProps) => {
  const now = useNow(process.state === "running" && process.startedAt !== null)
  return (
    <li class={`process ${process.state}`}>
      <div class="process-head">
        {keyOf(process) === undefined ? null : <strong>{keyOf(process)}</strong>}
        <code class="process-command" title={process.command ?? ""}>{process.command}</code>
        <span class={`process-state ${process.state}`}>{stateText(process)}</span>
      </div>
      <div class="process-facts">
        {process.pid === null ? null : <span>pid {process.pid}</span>}
        {process.startedAt === null || process.state !== "running"
          ? null
          : <span>for {durationText(Math.floor((now - process.startedAt) / 1000) * 1000)}</span>}
        {process.hasLogs ?
          (
            <button type="button" class="link-button" aria-expanded={isOpen} onClick={onToggle}>
              {isOpen ? "Hide logs" : "Logs"}
              <span class="visually-hidden">of {nameOf(process)}</span>
            </button>
          ) :
          null}
        {isSteering && process.state === "running" ?
          (
            <span class="process-actions">
              <button type="button" class="button small" onClick={() => onKill("SIGTERM")}>
                Stop<span class="visually-hidden">{nameOf(process)}</span>
              </button>
              <button type="button" class="button small danger" onClick={() => onKill("SIGKILL")}>
                Kill<span class="visually-hidden">{nameOf(process)}</span>
              </button>
            </span>
          ) :
          null}
      </div>
      {isOpen ? <LogsView id={process.id} /> : null}
    </li>
  )
}

const useProcesses = (model: SessionModel, isShown: boolean) => {
  const [list, setList] = useState<ReadonlyArray<Process>>()
  const [failure, setFailure] = useState<string>()
  const load = () =>
    processes().then((found) => {
      setList(found)
      setFailure(undefined)
    }, (error: Error) => setFailure(error.message))
  usePolling(load, every, isShown && model.ended.current === undefined)
  useEffect(() => isShown ? model.changes.listen(() => void load()) : undefined, [isShown])
  return { failure, list, load }
}

const List = ({ processes, row }: {
  readonly processes: ReadonlyArray<Process>
  readonly row: (process: Process) => ComponentChild
}) => <ul class="process-list">{processes.map(row)}</ul>

interface ProcessesPanelProps {
  readonly model: SessionModel
  readonly isShown: boolean
}

export const ProcessesPanel = ({ isShown, model }: ProcessesPanelProps) => {
  useSignals(model.session, model.ended, model.connection)
  const { failure, list, load } = useProcesses(model, isShown)
  const [open, setOpen] = useState<string>()
  const [killing, setKilling] = useState<{ process: Process; signal: "SIGTERM" | "SIGKILL" }>()
  const others = list?.filter((process) => keyOf(process) === undefined) ?? []
  const row = (process: Process) => (
    <Row
      key={process.id}
      process={process}
      isSteering={model.isSteering}
      isOpen={open === process.id}
      onToggle={() => setOpen(open === process.id ? undefined : process.id)}
      onKill={(signal) => setKilling({ process, signal })}
    />
  )
  return (
    <div class="processes">
      {failure === undefined || model.ended.current !== undefined
        ? null
        : <p role="alert" class="failure">{failure}</p>}
      {list !== undefined && list.length === 0 ? <p class="empty">No process runs in this session.</p> : null}
      {list === undefined && failure === undefined ? <p class="empty">Loading…</p> : null}
      <List processes={(list ?? []).filter((process) => keyOf(process) !== undefined)} row={row} />
      {others.length === 0 ? null : (
        <details class="other-processes" open={list?.length === others.length}>
          <summary>{others.length} other {others.length === 1 ? "process" : "processes"}</summary>
          <List processes={others} row={row} />
        </details>
      )}
      {killing === undefined ? null : (
        <ConfirmDialog
          title={killing.signal === "SIGKILL" ? "Kill this process?" : "Stop this process?"}
          text={`${nameOf(killing.process)} gets ${killing.signal}.`}
          verb={killing.signal === "SIGKILL" ? "Kill" : "Stop"}
          action={() => kill(killing.process.id, killing.signal).then(load)}
          onClose={() => setKilling(undefined)}
        />
      )}
    </div>
  )
}
