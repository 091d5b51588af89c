/** What of the timeline is shown. */
import type { Filter } from "../state/timeline.js"

const kinds: ReadonlyArray<readonly [Filter["kind"], string]> = [
  ["all", "All"],
  ["code", "Code"],
  ["command", "Commands"],
  ["file", "Files"],
  ["process", "Processes"],
  ["other", "Other"]
]

export const noFilter: Filter = { kind: "all", text: "", isFailedOnly: false }

export const isFiltering = ({ isFailedOnly, kind, text }: Filter): boolean =>
  kind !== "all" || text.trim() !== "" || isFailedOnly

interface FilterBarProps {
  readonly filter: Filter
  readonly onChange: (filter: Filter) => void
}

export const FilterBar = ({ filter, onChange }: FilterBarProps) => (
  <div class="filter-bar" role="search" aria-label="Filter the timeline">
    <select
      aria-label="Kind"
      value={filter.kind}
      onChange={(event) =>
        onChange({ ...filter, kind: event.currentTarget.value as Filter["kind"] })}
    >
      {kinds.map(([kind, label]) => <option key={kind} value={kind}>{label}</option>)}
    </select>
    <input
      id="filter"
      type="search"
      aria-label="Filter by text"
      placeholder="Filter by text"
      value={filter.text}
      onInput={(event) =>
        onChange({ ...filter, text: event.currentTarget.value })}
    />
    <label class="check">
      <input
        type="checkbox"
        checked={filter.isFailedOnly}
        onChange={(event) =>
          onChange({ ...filter, isFailedOnly: event.currentTarget.checked })}
      />
      Failed
    </label>
  </div>
)
