/** Keys that work anywhere but where text is typed. They can be turned off, for those who speak to their machine. */
import { useEffect } from "preact/hooks"
import { useValue, Value } from "../state/store.js"
import { Dialog } from "./dialog.js"

export interface Shortcut {
  readonly key: string
  readonly does: string
  readonly action: () => void
}

const setting = "agb-single-keys"

const stored = (): boolean => {
  try {
    return localStorage.getItem(setting) !== "off"
  } catch {
    return true
  }
}

const areOn = new Value(stored())

const turn = (isOn: boolean): void => {
  areOn.set(isOn)
  try {
    localStorage.setItem(setting, isOn ? "on" : "off")
  } catch {
    // Without storage it holds for this page.
  }
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest(".xterm") !== null)

export const useShortcuts = (shortcuts: ReadonlyArray<Shortcut>): void =>
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      const isFunctionKey = event.key.length > 1
      if (!isFunctionKey && (!areOn.current || isTyping(event.target))) return
      if (document.querySelector("dialog[open]") !== null) return
      const found = shortcuts.find(({ key }) => key === event.key)
      if (found === undefined) return
      event.preventDefault()
      found.action()
    }
    addEventListener("keydown", onKeyDown)
    return () => removeEventListener("keydown", onKeyDown)
  }, [shortcuts])

interface HelpProps {
  readonly shortcuts: ReadonlyArray<Pick<Shortcut, "key" | "does">>
  readonly onClose: () => void
}

export const ShortcutHelp = ({ onClose, shortcuts }: HelpProps) => {
  const isOn = useValue(areOn)
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="keys">
        {shortcuts.map(({ does, key }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={isOn} onChange={(event) => turn(event.currentTarget.checked)} />
        Single keys work
      </label>
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>Close</button>
      </div>
    </Dialog>
  )
}
