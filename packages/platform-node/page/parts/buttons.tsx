/** Buttons that say what came of them. */
import type { ComponentChildren } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import { announce } from "./announcer.js"
import { Icon, type IconName } from "./icons.js"

interface IconButtonProps {
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
  readonly class?: string
  readonly isDisabled?: boolean
}

export const IconButton = ({ class: name = "", icon, isDisabled = false, label, onClick }: IconButtonProps) => (
  <button
    type="button"
    class={`icon-button ${name}`}
    aria-label={label}
    title={label}
    onClick={onClick}
    disabled={isDisabled}
  >
    <Icon name={icon} />
  </button>
)

/** True for a moment after `tell`. */
const useMoment = (): readonly [boolean, () => void] => {
  const [isOn, setOn] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const tell = () => {
    setOn(true)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setOn(false), 1500)
  }
  return [isOn, tell]
}

export const copyText = async (text: string, what: string): Promise<void> => {
  await navigator.clipboard.writeText(text)
  announce(`${what} copied`)
}

interface CopyProps {
  readonly text: string
  /** What is copied, such as `request id`. */
  readonly what: string
  readonly children?: ComponentChildren
}

export const CopyButton = ({ children, text, what }: CopyProps) => {
  const [isDone, tell] = useMoment()
  return (
    <button
      type="button"
      class="copy-button"
      aria-label={`Copy ${what} ${text}`}
      title={`Copy ${what}`}
      onClick={() => void copyText(text, what).then(tell)}
    >
      {children}
      <Icon name={isDone ? "done" : "copy"} />
    </button>
  )
}

interface ActionProps {
  readonly children: ComponentChildren
  /** What the button does; its failure is shown beside it. */
  readonly action: () => Promise<unknown>
  /** Shown for a moment when it is done. */
  readonly done?: string
  readonly class?: string
}

export const ActionButton = ({ action, children, class: name = "", done }: ActionProps) => {
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const [isDone, tell] = useMoment()
  const run = async () => {
    setBusy(true)
    setFailure(undefined)
    try {
      await action()
      if (done !== undefined) {
        tell()
        announce(done)
      }
    } catch (error) {
      setFailure((error as Error).message)
    }
    setBusy(false)
  }
  return (
    <span class="action">
      <button type="button" class={`button ${name}`} aria-disabled={isBusy} onClick={() => !isBusy && void run()}>
        {isDone
          ? (
            <>
              <Icon name="done" /> {done}
            </>
          )
          : children}
      </button>
      {failure === undefined ? null : <span role="alert" class="failure">{failure}</span>}
    </span>
  )
}
