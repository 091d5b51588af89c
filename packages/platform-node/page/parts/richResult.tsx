/** One displayed value in the richest of its types that this page shows. */
import { runsOfText } from "../text/ansi.js"
import { bytesText } from "../text/format.js"
import { Frame } from "./frame.js"
import { JsonTree } from "./jsonTree.js"
import { Runs } from "./outputView.js"

type Mime = Readonly<Record<string, unknown>>

const images = ["image/png", "image/jpeg", "image/gif", "image/webp"]
const texts = ["text/markdown", "text/latex", "text/plain"]
const longestText = 64 * 1024

const base64 = /^[A-Za-z0-9+/=\s]*$/

const imageOf = (mime: Mime): string | undefined => {
  const type = images.find((type) => typeof mime[type] === "string" && base64.test(mime[type] as string))
  return type === undefined ? undefined : `data:${type};base64,${(mime[type] as string).replace(/\s/g, "")}`
}

const isJson = (type: string): boolean => type === "application/json" || type.endsWith("+json")

const parsed = (value: unknown): unknown => {
  if (typeof value !== "string") return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

const TextResult = ({ mime }: { readonly mime: Mime }) => {
  const type = texts.find((type) => mime[type] !== undefined) ?? Object.keys(mime)[0]
  if (type === undefined) return null
  const value = mime[type]
  const text = typeof value === "string" ? value : JSON.stringify(value, undefined, 2)
  return (
    <pre class="result-text" tabIndex={0} role="group" aria-label={`Result, ${type}`}>
      <Runs runs={runsOfText(text.slice(0, longestText))} />
      {text.length > longestText ? `\n… ${bytesText(text.length - longestText)} more` : ""}
    </pre>
  )
}

interface RichResultProps {
  readonly mime: Mime
  readonly frame: string | null
  readonly omitted: ReadonlyArray<{ readonly mime: string; readonly bytes: number }>
}

const Shown = ({ frame, mime }: Omit<RichResultProps, "omitted">) => {
  const image = imageOf(mime)
  const description = typeof mime["text/plain"] === "string" ? mime["text/plain"].slice(0, 200) : ""
  if (frame !== null && (mime["text/html"] !== undefined || image === undefined)) {
    return <Frame source={frame} title={`Displayed by the session: ${description || "HTML"}`} />
  }
  if (image !== undefined) return <img class="figure" src={image} alt={`Figure: ${description || "no description"}`} />
  const json = Object.keys(mime).find(isJson)
  if (json !== undefined) return <JsonTree value={parsed(mime[json])} />
  return <TextResult mime={mime} />
}

export const RichResult = ({ frame, mime, omitted }: RichResultProps) => (
  <div class="result">
    <Shown frame={frame} mime={mime} />
    {omitted.map(({ bytes, mime }) => (
      <p key={mime} class="note">
        {mime === "*/*" ? "A result" : mime} of {bytesText(bytes)} is too large to be shown.
      </p>
    ))}
  </div>
)
