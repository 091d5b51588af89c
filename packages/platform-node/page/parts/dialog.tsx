/** Modal dialogs: the browser keeps the focus inside and gives it back. */
import type { ComponentChildren } from "preact"
import { useEffect, useId, useRef, useState } from "preact/hooks"

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

export const Dialog = ({ children, onClose, title }: DialogProps) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => before instanceof HTMLElement && before.focus()
  }, [])
  const closeOutside = (event: MouseEvent) => event.target === dialog.current && onClose()
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose} onClick={closeOutside}>
      <div class="dialog">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}

interface ConfirmProps {
  readonly title: string
  readonly text: string
  /** The word on the button that does it. */
  readonly verb: string
  readonly action: () => Promise<unknown>
  readonly onClose: () => void
}

export const ConfirmDialog = ({ action, onClose, text, title, verb }: ConfirmProps) => {
  const [failure, setFailure] = useState<string>()
  const confirm = () => action().then(onClose, (error: Error) => setFailure(error.message))
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {failure === undefined ? null : <p role="alert" class="failure">{failure}</p>}
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>Cancel</button>
        <button type="button" class="button danger" onClick={() => void confirm()}>{verb}</button>
      </div>
    </Dialog>
  )
}
