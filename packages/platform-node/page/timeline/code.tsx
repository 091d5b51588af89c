/** Code as it was sent; of much the beginning. */
import { useState } from "preact/hooks"
import { plural } from "../text/format.js"

const mostLines = 30
const mostCharacters = 8000

const startOf = (text: string): string => text.split("\n", mostLines).join("\n").slice(0, mostCharacters)

export const CodeView = ({ label, text }: { readonly label: string; readonly text: string }) => {
  const [isWhole, setWhole] = useState(false)
  const start = startOf(text)
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
