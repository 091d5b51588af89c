/** Whether two engines gave the same for a cell, and which cells are no question. */

export interface Output {
  readonly stdout: string
  readonly stderr: string
  readonly results: ReadonlyArray<{ readonly data: Readonly<Record<string, unknown>>; readonly isMainResult: boolean }>
  readonly error: { readonly name: string; readonly value: string } | null
}

/** What two runs of the same engine do not share either, and what stands for it. */
const variable: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bat 0x[0-9a-f]+/g, "at 0x…"],
  [/\/tmp\/ipykernel_\d+\/\d+\.py/g, "<cell>"],
  [/<(?:run \d+|captured|timed|cell)>/g, "<cell>"],
  [/\(\d+\.py, line/g, "(<cell>, line"],
  [/\/tmp\/tmp\w{8}/g, "/tmp/tmp…"],
  // The environment without IPython has links to Debian's packages.
  [/\/\S+\/parity\/python\/libraries\//g, "/usr/lib/python3/dist-packages/"],
  // Tables of pandas have a random name.
  [/\bT_[0-9a-f]{5}/g, "T_…"]
]

const colors = /\u001b\[[\d;]*m/g

const plain = (text: string): string =>
  variable.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), text)

const plainData = (data: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(data).sort(([one], [other]) => one < other ? -1 : 1).map(([type, content]) => [
      type,
      typeof content !== "string"
        ? content
        : type.startsWith("image/")
        ? content.trim()
        : plain(content.replace(colors, ""))
    ])
  )

const normalized = (output: Output): Record<keyof Output, string> => ({
  stdout: plain(output.stdout),
  stderr: plain(output.stderr),
  results: plain(JSON.stringify(output.results.map((each) => ({ ...each, data: plainData(each.data) })))),
  error: output.error === null ? "" : plain(`${output.error.name}: ${output.error.value}`)
})

export type Aspect = keyof Output

/** In what two outputs differ. */
export const differences = (one: Output, other: Output): ReadonlyArray<Aspect> => {
  const [first, second] = [normalized(one), normalized(other)]
  return (["stdout", "stderr", "results", "error"] as const).filter((aspect) => first[aspect] !== second[aspect])
}

export type Exclusion = "package missing" | "front end" | "too long" | "chance or clock"

const widgets = "application/vnd.jupyter.widget-view+json"

/** Magics that show or ask something in the front end. */
const magics = /^\s*%{1,2}(qtconsole|connect_info|debug|pdb|edit|recall|notebook|autosave\?)/m

/** Why a cell is not compared, by its code and by what ipykernel gave. `missing`: a package was missing in an earlier cell. */
export const exclusionOf = (code: string, reference: Output | undefined, missing: boolean): Exclusion | undefined => {
  if (reference === undefined) return "too long"
  const { error, results } = reference
  if (error?.name === "ModuleNotFoundError" || missing && error !== null) return "package missing"
  if (error?.name === "StdinNotImplementedError") return "front end"
  if (magics.test(code)) return "front end"
  return results.some(({ data }) => widgets in data) ? "front end" : undefined
}
