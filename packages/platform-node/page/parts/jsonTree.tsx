/** JSON as a tree that is made as far as it is opened. */
import { useState } from "preact/hooks"
import { plural } from "../text/format.js"

const atOnce = 100
const longestText = 2000

const short = (value: unknown): string => {
  if (typeof value !== "string") return String(value)
  const text = JSON.stringify(value)
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}

const isBranch = (value: unknown): value is object => typeof value === "object" && value !== null

const summaryOf = (value: object): string =>
  Array.isArray(value) ? `[ ${plural(value.length, "item")} ]` : `{ ${plural(Object.keys(value).length, "field")} }`

interface NodeProps {
  readonly name: string | undefined
  readonly value: unknown
  readonly isOpen: boolean
}

const Name = ({ name }: { readonly name: string | undefined }) =>
  name === undefined ? null : <span class="json-name">{name}:</span>

const Branch = ({ isOpen: isOpenFirst, name, value }: NodeProps & { readonly value: object }) => {
  const [isOpen, setOpen] = useState(isOpenFirst)
  const [count, setCount] = useState(atOnce)
  const fields = isOpen ? Object.entries(value) : []
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Name name={name} />
        <span class="json-summary">{summaryOf(value)}</span>
      </summary>
      <div class="json-fields">
        {fields.slice(0, count).map(([key, field]) => <Node key={key} name={key} value={field} isOpen={false} />)}
        {fields.length <= count ?
          null :
          (
            <button type="button" class="link-button" onClick={() => setCount(count + 10 * atOnce)}>
              Show more of {fields.length}
            </button>
          )}
      </div>
    </details>
  )
}

const Node = (props: NodeProps) =>
  isBranch(props.value) ? <Branch {...props} value={props.value} /> : (
    <div class="json-leaf">
      <Name name={props.name} />
      <span class={`json-${typeof props.value}`}>{short(props.value)}</span>
    </div>
  )

export const JsonTree = ({ value }: { readonly value: unknown }) => (
  <div class="json">
    <Node name={undefined} value={value} isOpen={true} />
  </div>
)
