/** Text, images, tables, notebooks and JSON. */
import { useEffect, useMemo, useState } from "preact/hooks"
import { JsonTree } from "../parts/jsonTree.js"
import { parseTable } from "../text/csv.js"
import { plural } from "../text/format.js"
import { parseNotebook } from "../text/notebook.js"
import type { FileStart } from "../wire/api.js"
import { extensionOf, imageType, textOf } from "./fileKind.js"
import { NotebookView } from "./notebookView.js"

const mostRows = 500
const mostColumns = 50

const ImageView = (
  { file, path, type }: { readonly file: FileStart; readonly path: string; readonly type: string }
) => {
  const [source, setSource] = useState<string>()
  const [isBroken, setBroken] = useState(false)
  useEffect(() => {
    const address = URL.createObjectURL(new Blob([file.bytes], { type }))
    setSource(address)
    setBroken(false)
    return () => URL.revokeObjectURL(address)
  }, [file, type])
  if (isBroken) return <p class="note">This image cannot be shown.</p>
  return source === undefined ? null : <img class="figure" src={source} alt={path} onError={() => setBroken(true)} />
}

const TextView = ({ path, text }: { readonly path: string; readonly text: string }) =>
  text === ""
    ? <p class="empty">The file is empty.</p>
    : <pre class="file-text" tabIndex={0} role="group" aria-label={path}>{text}</pre>

const TableView = ({ path, text }: { readonly path: string; readonly text: string }) => {
  const { isWhole, rows: [head = [], ...rows] } = useMemo(() => parseTable(text, mostRows + 1, mostColumns), [text])
  return (
    <>
      <div class="table-view" tabIndex={0} role="group" aria-label={path}>
        <table>
          <thead>
            <tr>{head.map((field, index) => <th key={index} scope="col">{field}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((row, index) => <tr key={index}>{row.map((field, column) => <td key={column}>{field}</td>)}</tr>)}
          </tbody>
        </table>
      </div>
      <p class="note">{plural(rows.length, "row")}{isWhole ? "" : " of more"}</p>
    </>
  )
}

const parsed = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

type View = "table" | "tree" | "notebook" | "text"

const richView = (extension: string): View =>
  extension === "csv" || extension === "tsv"
    ? "table"
    : extension === "json"
    ? "tree"
    : extension === "ipynb"
    ? "notebook"
    : "text"

const Rich = ({ path, text, view }: { readonly path: string; readonly text: string; readonly view: View }) => {
  const notebook = useMemo(() => view === "notebook" ? parseNotebook(text) : undefined, [text, view])
  const json = useMemo(() => view === "tree" ? parsed(text) : undefined, [text, view])
  if (view === "table") return <TableView path={path} text={text} />
  if (notebook !== undefined) return <NotebookView cells={notebook} />
  if (json !== undefined) return <JsonTree value={json.value} />
  return <TextView path={path} text={text} />
}

const viewNames: Readonly<Record<View, string>> = { table: "Table", tree: "Tree", notebook: "Notebook", text: "Text" }

export const Content = ({ file, path }: { readonly file: FileStart; readonly path: string }) => {
  const [isPlain, setPlain] = useState(false)
  const image = imageType(path)
  const text = useMemo(() => textOf(file.bytes), [file])
  if (image !== undefined && !isPlain) return <ImageView file={file} path={path} type={image} />
  if (text === undefined) return <p class="empty">This file is not text. Download it to look at it.</p>
  const view = richView(extensionOf(path))
  return (
    <>
      {view === "text" ? null : (
        <button type="button" class="link-button" onClick={() => setPlain(!isPlain)}>
          Show as {(isPlain ? viewNames[view] : viewNames.text).toLowerCase()}
        </button>
      )}
      <Rich path={path} text={text} view={isPlain ? "text" : view} />
    </>
  )
}
