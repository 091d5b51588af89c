/** The cell: runs code in the kernels of the session, or a command in its shell. */
import { useEffect, useId, useState } from "preact/hooks"
import { Icon } from "../parts/icons.js"
import type { SessionModel } from "../state/sessionModel.js"
import { useValue } from "../state/store.js"
import { languageName } from "../text/format.js"
import { command, run } from "../wire/api.js"
import { draftLanguage, draftText } from "./draft.js"
import { makeHistory } from "./history.js"

const mostRows = 12

const history = makeHistory()

const useSending = (onSent: () => void) => {
  const [isSending, setSending] = useState(false)
  const [failure, setFailure] = useState<string>()
  const send = async () => {
    const [language, text] = [draftLanguage.current, draftText.current]
    if (isSending || text.trim() === "") return
    setSending(true)
    setFailure(undefined)
    try {
      await (language === "command" ? command(text) : run(language, text))
      history.add({ language, text })
      if (draftText.current === text) draftText.set("")
      onSent()
    } catch (error) {
      setFailure((error as Error).message)
    }
    setSending(false)
  }
  return { failure, isSending, send }
}

/** Up in the first line and Down in the last go through what was run before. */
const browse = (event: KeyboardEvent, field: HTMLTextAreaElement): void => {
  const { selectionEnd, selectionStart, value } = field
  if (selectionStart !== selectionEnd || event.shiftKey || event.ctrlKey || event.altKey) return
  const isAtEdge = event.key === "ArrowUp"
    ? !value.slice(0, selectionStart).includes("\n")
    : !value.slice(selectionEnd).includes("\n")
  if (!isAtEdge) return
  const current = { language: draftLanguage.current, text: value }
  const found = event.key === "ArrowUp" ? history.older(current) : history.newer()
  if (found === undefined) return
  event.preventDefault()
  draftLanguage.set(found.language)
  draftText.set(found.text)
}

const LanguageChoice = ({ languages }: { readonly languages: ReadonlyArray<string> }) => (
  <select
    aria-label="Language"
    value={useValue(draftLanguage)}
    onChange={(event) => draftLanguage.set(event.currentTarget.value)}
  >
    {languages.map((language) => <option key={language} value={language}>{languageName(language)}</option>)}
    <option value="command">Shell command</option>
  </select>
)

interface CellProps {
  readonly model: SessionModel
  readonly onSent: () => void
}

export const Cell = ({ model, onSent }: CellProps) => {
  const languages = useValue(model.session)?.languages ?? []
  const text = useValue(draftText)
  const hint = useId()
  const { failure, isSending, send } = useSending(onSent)
  useEffect(() => {
    if (draftLanguage.current === "") draftLanguage.set(languages[0] ?? "command")
  }, [languages])
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }) => {
    if (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      void send()
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") browse(event, event.currentTarget)
    else if (event.key === "Escape") event.currentTarget.blur()
  }
  return (
    <form
      class="cell"
      aria-label="Run code"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <textarea
        id="cell"
        aria-label="Code to run"
        aria-describedby={hint}
        rows={Math.min(mostRows, Math.max(2, text.split("\n").length))}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        placeholder="Code to run in this session"
        value={text}
        onInput={(event) => draftText.set(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="cell-bar">
        <LanguageChoice languages={languages} />
        <span id={hint} class="hint">
          <kbd>Shift</kbd>+<kbd>Enter</kbd> runs, <kbd>↑</kbd> brings back what ran
        </span>
        {failure === undefined ? null : <span role="alert" class="failure">{failure}</span>}
        <button type="submit" class="button primary" aria-disabled={isSending}>
          <Icon name="play" /> Run
        </button>
      </div>
    </form>
  )
}
