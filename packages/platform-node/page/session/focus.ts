/** Where the keyboard goes. */

const regions = [
  "#timeline",
  "#cell",
  "[role=tablist] [aria-selected=true]",
  "[role=tabpanel]:not([hidden]) .xterm-helper-textarea"
]

const isVisible = (element: HTMLElement): boolean => element.getClientRects().length > 0

/** The part of the page after the one that has the focus. */
export const nextRegion = (): void => {
  const found = regions.map((region) => document.querySelector<HTMLElement>(region)).filter((element) =>
    element !== null && isVisible(element)
  ) as Array<HTMLElement>
  const active = document.activeElement
  const at = found.findLastIndex((element) => element === active || element.contains(active))
  found[(at + 1) % found.length]?.focus()
}

/** The entry so many after the one with the focus; without one, the newest. */
export const focusEntry = (step: number): void => {
  const entries = [...document.querySelectorAll<HTMLElement>("article[data-entry]")]
  const at = entries.findIndex((entry) => entry.contains(document.activeElement))
  const next = at === -1 ? entries.length - 1 : Math.min(entries.length - 1, Math.max(0, at + step))
  entries[next]?.focus({ preventScroll: true })
  entries[next]?.scrollIntoView({ block: "nearest" })
}
