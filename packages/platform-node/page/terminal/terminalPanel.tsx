/** The terminal, whose code is loaded when it is first opened. */
import { useEffect, useRef, useState } from "preact/hooks"
import type { OpenTerminal } from "./openTerminal.js"

interface State {
  readonly is: "loading" | "open" | "closed"
  readonly reason?: string
}

const useTerminal = (isWanted: boolean) => {
  const place = useRef<HTMLDivElement>(null)
  const terminal = useRef<OpenTerminal>(undefined)
  const [state, setState] = useState<State>({ is: "loading" })
  const [shells, setShells] = useState(0)
  useEffect(() => {
    if (!isWanted) return
    let isOver = false
    setState({ is: "loading" })
    const failed = () => isOver || setState({ is: "closed", reason: "The terminal could not be loaded." })
    void import("./openTerminal.js").then(({ openTerminal }) => {
      if (isOver) return
      terminal.current = openTerminal(place.current!, (reason) => setState({ is: "closed", reason }))
      setState({ is: "open" })
    }).catch(failed)
    return () => {
      isOver = true
      terminal.current?.dispose()
      terminal.current = undefined
    }
  }, [isWanted, shells])
  return { again: () => setShells(shells + 1), place, state, terminal }
}

interface TerminalPanelProps {
  readonly isShown: boolean
  readonly isSteering: boolean
}

export const TerminalPanel = ({ isShown, isSteering }: TerminalPanelProps) => {
  const [isWanted, setWanted] = useState(false)
  useEffect(() => {
    if (isShown) setWanted(true)
  }, [isShown])
  const { again, place, state, terminal } = useTerminal(isWanted)
  useEffect(() => {
    if (isShown) terminal.current?.fit()
  }, [isShown, state])
  return (
    <div class="terminal">
      <div class="terminal-place" ref={place} />
      <div class="terminal-bar">
        {state.is === "closed" ?
          (
            <>
              <span role="status">{state.reason}</span>
              {isSteering ? <button type="button" class="button small" onClick={again}>New shell</button> : null}
            </>
          ) :
          (
            <span class="hint">
              <kbd>F6</kbd> leaves the terminal
            </span>
          )}
      </div>
    </div>
  )
}
