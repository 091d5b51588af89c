/** Tabs as the ARIA practices describe them: one stop for Tab, arrows between them. */
import type { ComponentChildren } from "preact"
import { useRef } from "preact/hooks"

export interface Tab<Name extends string> {
  readonly name: Name
  readonly label: string
  readonly badge?: number | undefined
}

interface TabsProps<Name extends string> {
  readonly label: string
  readonly tabs: ReadonlyArray<Tab<Name>>
  readonly selected: Name
  readonly onSelect: (name: Name) => void
}

const steps: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1
}

export const TabList = <Name extends string>({ label, onSelect, selected, tabs }: TabsProps<Name>) => {
  const list = useRef<HTMLDivElement>(null)
  const onKeyDown = (event: KeyboardEvent) => {
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    const next = tabs[step(tabs.findIndex(({ name }) => name === selected), tabs.length)]!
    onSelect(next.name)
    list.current?.querySelector<HTMLElement>(`#tab-${next.name}`)?.focus()
  }
  return (
    <div ref={list} role="tablist" aria-label={label} class="tabs" onKeyDown={onKeyDown}>
      {tabs.map(({ badge, label, name }) => (
        <button
          key={name}
          id={`tab-${name}`}
          type="button"
          role="tab"
          aria-selected={name === selected}
          aria-controls={`panel-${name}`}
          tabIndex={name === selected ? 0 : -1}
          onClick={() => onSelect(name)}
        >
          {label}
          {badge === undefined || badge === 0 ? null : <span class="badge">{badge}</span>}
        </button>
      ))}
    </div>
  )
}

interface PanelProps {
  readonly name: string
  readonly isSelected: boolean
  readonly children: ComponentChildren
  readonly class?: string
}

/** What is not selected stays, hidden: a terminal goes on. */
export const TabPanel = ({ children, class: className = "", isSelected, name }: PanelProps) => (
  <div
    id={`panel-${name}`}
    role="tabpanel"
    aria-labelledby={`tab-${name}`}
    class={`panel ${className}`}
    hidden={!isSelected}
  >
    {children}
  </div>
)
