/** What was run from the cell, for as long as the tab lives. */

export interface Past {
  readonly language: string
  readonly text: string
}

const key = "agb-history"
const most = 100
const longest = 20_000

const stored = (): Array<Past> => {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "[]") as Array<Past>
  } catch {
    return []
  }
}

export const makeHistory = () => {
  let past = stored()
  let at = past.length
  let unsent: Past | undefined
  return {
    add: (run: Past) => {
      const isSame = past.at(-1)?.text === run.text && past.at(-1)?.language === run.language
      if (!isSame && run.text.length <= longest) past = [...past, run].slice(-most)
      at = past.length
      try {
        sessionStorage.setItem(key, JSON.stringify(past))
      } catch {
        // Full or forbidden: it lives as long as the page.
      }
    },
    older: (current: Past): Past | undefined => {
      if (at === 0) return undefined
      if (at === past.length) unsent = current
      return past[--at]
    },
    newer: (): Past | undefined => {
      if (at >= past.length) return undefined
      at++
      return at === past.length ? unsent ?? { language: past[at - 1]!.language, text: "" } : past[at]
    }
  }
}
