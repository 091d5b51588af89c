/** The page of a session. */
import { useCallback, useEffect, useMemo, useState } from "preact/hooks"
import { FilesPanel } from "../files/filesPanel.js"
import { Announcer } from "../parts/announcer.js"
import { type Shortcut, ShortcutHelp, useShortcuts } from "../parts/shortcuts.js"
import { type Tab, TabList, TabPanel } from "../parts/tabs.js"
import { ProcessesPanel } from "../processes/processesPanel.js"
import { SessionModel } from "../state/sessionModel.js"
import { useSignals, Value } from "../state/store.js"
import { TerminalPanel } from "../terminal/terminalPanel.js"
import { focusCell } from "../timeline/draft.js"
import { TimelinePanel } from "../timeline/timelinePanel.js"
import { keepAlive } from "../wire/api.js"
import { Banner } from "./banner.js"
import { Charts } from "./charts.js"
import { focusEntry, nextRegion } from "./focus.js"
import { Header } from "./header.js"
import { useNarrow } from "./narrow.js"

type Name = "timeline" | "files" | "processes" | "terminal"

const tabsOf = (isNarrow: boolean, hasTerminal: boolean): ReadonlyArray<Tab<Name>> => [
  ...(isNarrow ? [{ name: "timeline", label: "Timeline" } as const] : []),
  { name: "files", label: "Files" },
  { name: "processes", label: "Processes" },
  ...(hasTerminal ? [{ name: "terminal", label: "Terminal" } as const] : [])
]

const shortcutsOf = (model: SessionModel, show: (name: Name) => void, help: () => void): ReadonlyArray<Shortcut> => {
  const focusLater = (action: () => void) => () => {
    show("timeline")
    requestAnimationFrame(action)
  }
  const open = (name: Name) => () => {
    show(name)
    requestAnimationFrame(() => document.getElementById(`tab-${name}`)?.focus())
  }
  const everywhere: ReadonlyArray<Shortcut> = [
    { key: "F6", does: "Goes to the next part of the page; leaves the terminal", action: nextRegion },
    { key: "j", does: "Next entry", action: () => focusEntry(1) },
    { key: "k", does: "Previous entry", action: () => focusEntry(-1) },
    { key: "n", does: "Newest entry", action: () => focusEntry(Infinity) },
    { key: "/", does: "Filters the timeline", action: focusLater(() => document.getElementById("filter")?.focus()) },
    { key: "f", does: "Files", action: open("files") },
    { key: "p", does: "Processes", action: open("processes") },
    { key: "?", does: "Lists the keys", action: help }
  ]
  const steering: ReadonlyArray<Shortcut> = [
    { key: "c", does: "Writes code to run", action: focusLater(focusCell) },
    { key: "t", does: "Terminal", action: () => show("terminal") },
    {
      key: "a",
      does: "Keeps the session alive",
      action: () => void keepAlive().then(({ idleSecondsLeft }) => model.setIdle(idleSecondsLeft), () => {})
    }
  ]
  return model.isSteering ? [...everywhere.slice(0, -1), ...steering, ...everywhere.slice(-1)] : everywhere
}

/** A file that misses its place must not replace the page. */
const useNoStrayDrops = (): void =>
  useEffect(() => {
    const prevent = (event: Event) => event.preventDefault()
    addEventListener("dragover", prevent)
    addEventListener("drop", prevent)
    return () => {
      removeEventListener("dragover", prevent)
      removeEventListener("drop", prevent)
    }
  }, [])

const useSession = (): SessionModel => {
  const model = useMemo(() => new SessionModel(), [])
  useEffect(() => model.start(), [])
  useSignals(model.session, model.ended, model.connection)
  const id = model.session.current?.sessionId
  useEffect(() => {
    if (id !== undefined) document.title = `${model.ended.current === undefined ? "" : "Ended: "}${id}, AGB session`
  }, [id, model.ended.current])
  return model
}

export const SessionPage = () => {
  const model = useSession()
  const isNarrow = useNarrow()
  const [chosenTab, setTab] = useState<Name>(isNarrow ? "timeline" : "files")
  const [isHelping, setHelping] = useState(false)
  const chosenFile = useMemo(() => new Value<string | undefined>(undefined), [])
  useNoStrayDrops()
  const access = model.session.current?.access
  const tabs = tabsOf(isNarrow, access === "steer")
  const tab = tabs.some(({ name }) => name === chosenTab) ? chosenTab : tabs[0]!.name
  const show = useCallback((name: Name) => (isNarrow || name !== "timeline") && setTab(name), [isNarrow])
  const shortcuts = useMemo(() => shortcutsOf(model, show, () => setHelping(true)), [model.isSteering, show])
  useShortcuts(shortcuts)
  const openFile = useCallback((path: string) => {
    chosenFile.set(path)
    setTab("files")
  }, [])
  const timelineRole = isNarrow
    ? { role: "tabpanel", "aria-labelledby": "tab-timeline" } as const
    : { "aria-label": "Timeline" }
  return (
    <>
      <a class="skip" href="#timeline">Skip to the timeline</a>
      <Header model={model} isNarrow={isNarrow} onHelp={() => setHelping(true)} />
      <Banner model={model} />
      <main class={isNarrow ? "narrow" : "wide"}>
        {isNarrow ? <Charts model={model} /> : null}
        {isNarrow ? <TabList label="Parts of the session" tabs={tabs} selected={tab} onSelect={setTab} /> : null}
        <section id="panel-timeline" class="timeline-section" {...timelineRole} hidden={isNarrow && tab !== "timeline"}>
          <TimelinePanel model={model} onOpenFile={openFile} />
        </section>
        <section class="side" aria-label="Files, processes and terminal" hidden={isNarrow && tab === "timeline"}>
          {isNarrow ? null : <Charts model={model} />}
          {isNarrow ? null : <TabList label="Parts of the session" tabs={tabs} selected={tab} onSelect={setTab} />}
          <TabPanel name="files" isSelected={tab === "files"}>
            <FilesPanel model={model} isShown={tab === "files"} chosen={chosenFile} />
          </TabPanel>
          <TabPanel name="processes" isSelected={tab === "processes"}>
            <ProcessesPanel model={model} isShown={tab === "processes"} />
          </TabPanel>
          {access !== "steer" ? null : (
            <TabPanel name="terminal" isSelected={tab === "terminal"}>
              <TerminalPanel isShown={tab === "terminal"} isSteering={model.isSteering} />
            </TabPanel>
          )}
        </section>
      </main>
      {isHelping ? <ShortcutHelp shortcuts={shortcuts} onClose={() => setHelping(false)} /> : null}
      <Announcer />
    </>
  )
}
