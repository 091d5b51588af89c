/** A notebook as its cells. Its HTML is shown as text: only what the session displays itself has a frame. */
import { Runs } from "../parts/outputView.js"
import { RichResult } from "../parts/richResult.js"
import { runsOfText } from "../text/ansi.js"
import type { NotebookCell, NotebookOutput } from "../text/notebook.js"

const mostCells = 200
const longest = 32 * 1024

const withoutHtml = (mime: Readonly<Record<string, unknown>>) => {
  const { "image/svg+xml": _svg, "text/html": html, ...others } = mime
  return Object.keys(others).length === 0 ? { "text/plain": html ?? "" } : others
}

const OutputOf = ({ isError, mime, text }: NotebookOutput) =>
  mime !== undefined
    ? <RichResult mime={withoutHtml(mime)} frame={null} omitted={[]} />
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
