/** A notebook as its cells. Its HTML and SVG are shown in frames of no origin, as what the session displays. */
import { Frame } from "../parts/frame.js"
import { Runs } from "../parts/outputView.js"
import { RichResult } from "../parts/richResult.js"
import { runsOfText } from "../text/ansi.js"
import type { NotebookCell, NotebookOutput } from "../text/notebook.js"

const mostCells = 200
const longest = 32 * 1024

type Mime = Readonly<Record<string, unknown>>

/** What needs a frame: HTML, and SVG if there is nothing else to look at. */
const markupOf = (mime: Mime): string | undefined => {
  const { "image/png": png, "image/svg+xml": svg, "text/html": html } = mime
  const markup = html ?? (png === undefined ? svg : undefined)
  return typeof markup === "string" ? markup : undefined
}

const Displayed = ({ mime }: { readonly mime: Mime }) => {
  const html = markupOf(mime)
  if (html === undefined) return <RichResult mime={mime} frame={null} omitted={[]} />
  return <Frame key={html} source="/frames/sent" html={html} title="Displayed by the notebook" />
}

const OutputOf = ({ isError, mime, text }: NotebookOutput) =>
  mime !== undefined
    ? <Displayed mime={mime} />
    : <pre class={isError ? "output stderr" : "output"}><Runs runs={runsOfText((text ?? "").slice(0, longest))} /></pre>

const Cell = ({ count, outputs, source, type }: NotebookCell) => (
  <li class={`notebook-cell ${type}`}>
    {type === "code" ? <span class="notebook-count">[{count ?? " "}]</span> : null}
    <div class="notebook-body">
      {type === "code" ? <pre class="code"><code>{source}</code></pre> : <div class="notebook-text">{source}</div>}
      {outputs.map((output, index) => <OutputOf key={index} {...output} />)}
    </div>
  </li>
)

export const NotebookView = ({ cells }: { readonly cells: ReadonlyArray<NotebookCell> }) => (
  <>
    <ol class="notebook" tabIndex={0} aria-label="Notebook">
      {cells.slice(0, mostCells).map((cell, index) => <Cell key={index} {...cell} />)}
    </ol>
    {cells.length > mostCells ? <p class="note">The first {mostCells} of {cells.length} cells.</p> : null}
  </>
)
