/** Code as it was sent; of much the beginning. */
import { useState } from "preact/hooks"
import { plural } from "../text/format.js"

const mostCharacters = 8000

const startOf = (text: string, lines: number): string => text.split("\n", lines).join("\n").slice(0, mostCharacters)

interface CodeViewProps {
  readonly label: string
  readonly text: string
  /** How many are shown at first. */
  readonly lines: number
}

export const CodeView = ({ label, lines, text }: CodeViewProps) => {
  const [isWhole, setWhole] = useState(false)
  const start = startOf(text, lines)
  return (
    <>
      <pre class="code" tabIndex={0} role="group" aria-label={label}><code>{isWhole ? text : start}</code></pre>
      {start.length === text.length ?
        null :
        (
          <button type="button" class="link-button" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
            {isWhole ? "Show less" : `Show all ${plural(text.split("\n").length, "line")}`}
          </button>
        )}
    </>
  )
}
