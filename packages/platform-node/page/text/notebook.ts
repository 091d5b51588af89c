/** Jupyter notebooks (nbformat 4), as far as a preview shows them. */

export interface NotebookOutput {
  readonly text: string | undefined
  readonly mime: Readonly<Record<string, unknown>> | undefined
  readonly isError: boolean
}

export interface NotebookCell {
  readonly type: string
  readonly source: string
  readonly count: number | undefined
  readonly outputs: ReadonlyArray<NotebookOutput>
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Texts stand as one string or as a list of lines. */
const joined = (value: unknown): string => Array.isArray(value) ? value.map(String).join("") : String(value ?? "")

const joinedMime = (data: Fields): Fields =>
  Object.fromEntries(
    Object.entries(data).map(([mime, value]) => [mime, Array.isArray(value) ? joined(value) : value])
  )

const outputOf = (output: Fields): NotebookOutput => {
  if (output["output_type"] === "error") {
    const traceback = Array.isArray(output["traceback"]) ? output["traceback"].map(String).join("\n") : ""
    return { text: traceback || `${output["ename"]}: ${output["evalue"]}`, mime: undefined, isError: true }
  }
  if (isFields(output["data"])) return { text: undefined, mime: joinedMime(output["data"]), isError: false }
  return { text: joined(output["text"]), mime: undefined, isError: false }
}

const cellOf = (cell: Fields): NotebookCell => ({
  type: String(cell["cell_type"]),
  source: joined(cell["source"]),
  count: typeof cell["execution_count"] === "number" ? cell["execution_count"] : undefined,
  outputs: Array.isArray(cell["outputs"]) ? cell["outputs"].filter(isFields).map(outputOf) : []
})

/** Undefined for what is none. */
export const parseNotebook = (text: string): ReadonlyArray<NotebookCell> | undefined => {
  try {
    const notebook: unknown = JSON.parse(text)
    if (!isFields(notebook) || !Array.isArray(notebook["cells"])) return undefined
    return notebook["cells"].filter(isFields).map(cellOf)
  } catch {
    return undefined
  }
}
