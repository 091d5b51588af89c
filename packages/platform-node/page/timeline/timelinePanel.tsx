/** The timeline with its filter, its entries and, where the page steers, the cell. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks"
import { announce } from "../parts/announcer.js"
import { Icon } from "../parts/icons.js"
import type { SessionModel } from "../state/sessionModel.js"
import { useSignals, useValue } from "../state/store.js"
import type { Item, Timeline } from "../state/timeline.js"
import { plural } from "../text/format.js"
import { Cell } from "./cell.js"
import { EntryView, summaryOf } from "./entry.js"
import { FilterBar, isFiltering, noFilter } from "./filterBar.js"
import { useFollowing } from "./following.js"

/** Older ones are shown on demand. */
const shownAtFirst = 200

/** Tells what has begun or ended since it told last. */
const useAnnouncements = (timeline: Timeline): void => {
  const told = useRef<{ last: Item | undefined; state: string } | undefined>(undefined)
  useEffect(() =>
    timeline.listen(() => {
      const last = timeline.items.at(-1)
      const before = told.current
      told.current = { last, state: last?.entry.state ?? "" }
      if (before === undefined || last === undefined) return
      if (before.last !== last || before.state !== last.entry.state) announce(summaryOf(last.entry))
    }), [timeline])
}

interface EntriesProps {
  readonly items: ReadonlyArray<Item>
  readonly isSteering: boolean
  readonly onOpenFile: (path: string) => void
}

const Entries = ({ items, ...others }: EntriesProps) => {
  const [count, setCount] = useState(shownAtFirst)
  const hidden = Math.max(0, items.length - count)
  return (
    <>
      {hidden === 0 ?
        null :
        (
          <button type="button" class="button earlier" onClick={() => setCount(count + shownAtFirst)}>
            Show {Math.min(hidden, shownAtFirst)} of {plural(hidden, "earlier entry").replace(/ys$/, "ies")}
          </button>
        )}
      <ol class="entries">
        {items.slice(hidden).map((item) => (
          <li key={item.entry.id}>
            <EntryView item={item} {...others} />
          </li>
        ))}
      </ol>
    </>
  )
}

const Empty = ({ isFiltered, isLoading }: { readonly isFiltered: boolean; readonly isLoading: boolean }) => (
  <p class="empty">
    {isFiltered
      ? "Nothing matches the filter."
      : isLoading
      ? "Connecting…"
      : "Nothing has run in this session yet. What runs appears here."}
  </p>
)

interface TimelinePanelProps {
  readonly model: SessionModel
  readonly onOpenFile: (path: string) => void
}

export const TimelinePanel = ({ model, onOpenFile }: TimelinePanelProps) => {
  const { timeline } = model
  const session = useValue(model.session)
  useSignals(timeline, model.ended, model.connection)
  useAnnouncements(timeline)
  const [filter, setFilter] = useState(noFilter)
  const { content, isFollowing, onScroll, scroller, toEnd } = useFollowing()
  const [sizeSeen, setSizeSeen] = useState(0)
  useEffect(() => {
    if (isFollowing) setSizeSeen(timeline.size + timeline.dropped)
  }, [isFollowing, timeline.size])
  const open = useCallback((path: string) => onOpenFile(path), [onOpenFile])
  const items = timeline.filtered(filter)
  const fresh = timeline.size + timeline.dropped - sizeSeen
  const isEmpty = items.length === 0
  const cell = useMemo(() => <Cell model={model} onSent={toEnd} />, [model])
  return (
    <div class="timeline">
      <h2 class="visually-hidden">Timeline</h2>
      <FilterBar filter={filter} onChange={setFilter} />
      <div class="timeline-view">
        <div
          class="scroller"
          id="timeline"
          ref={scroller}
          onScroll={onScroll}
          tabIndex={0}
          role="region"
          aria-label="What ran"
        >
          <div ref={content}>
            {timeline.dropped === 0 ?
              null :
              (
                <p class="note">
                  {timeline.dropped} earlier {timeline.dropped === 1 ? "entry is" : "entries are"} no longer kept.
                </p>
              )}
            {isEmpty ? <Empty isFiltered={isFiltering(filter)} isLoading={session === undefined} /> : null}
            <Entries items={items} isSteering={model.isSteering} onOpenFile={open} />
          </div>
        </div>
        {isFollowing ? null : (
          <button type="button" class="button newest" onClick={toEnd}>
            <Icon name="down" /> Newest{fresh > 0 ? ` (${fresh} new)` : ""}
          </button>
        )}
      </div>
      {model.isSteering ? cell : null}
    </div>
  )
}
