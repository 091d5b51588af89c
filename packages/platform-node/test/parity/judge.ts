/** Each cell of a notebook: equal, different, or excluded for a reason that ipykernel itself gives. */
import { Effect } from "effect"
import { type Aspect, differences, type Exclusion, exclusionOf, type Output } from "./compare.js"
import type { Notebook } from "./notebooks.js"

export interface CellJudgement {
  readonly number: number
  readonly code: string
  readonly excluded: Exclusion | undefined
  readonly differs: ReadonlyArray<Aspect>
  readonly reference: Output | undefined
  readonly output: Output | undefined
}

export interface Judgement {
  readonly notebook: Notebook
  readonly cells: ReadonlyArray<CellJudgement>
}

/** Of a cell that the session did not run. */
const nothing: Output = { stdout: "", stderr: "", results: [], error: { name: "nothing", value: "" } }

const compare = (
  { cells }: Notebook,
  reference: ReadonlyArray<Output>,
  outputs: ReadonlyArray<Output>
): ReadonlyArray<CellJudgement> => {
  let missing = false
  return cells.map((code, index) => {
    const [one, other] = [reference[index], outputs[index]]
    const excluded = exclusionOf(code, one, missing)
    missing ||= excluded === "package missing"
    const differs = one === undefined || excluded !== undefined ? [] : differences(one, other ?? nothing)
    return { number: index + 1, code, excluded, differs, reference: one, output: other }
  })
}

/** A cell in which ipykernel differs from itself shows chance or a clock. */
const withoutChance = (
  cells: ReadonlyArray<CellJudgement>,
  again: ReadonlyArray<Output>
): ReadonlyArray<CellJudgement> =>
  cells.map((cell, index) => {
    const other = again[index]
    const repeats = cell.reference !== undefined && other !== undefined &&
      cell.differs.every((aspect) => !differences(cell.reference!, other).includes(aspect))
    return cell.differs.length === 0 || repeats ? cell : { ...cell, differs: [], excluded: "chance or clock" }
  })

export interface Runs<E, R> {
  readonly reference: (run: number) => Effect.Effect<ReadonlyArray<Output>, E, R>
  readonly outputs: Effect.Effect<ReadonlyArray<Output>, E, R>
}

export const judge = <E, R>(notebook: Notebook, runs: Runs<E, R>): Effect.Effect<Judgement, E, R> =>
  Effect.gen(function*() {
    const cells = compare(notebook, yield* runs.reference(1), yield* runs.outputs)
    if (cells.every(({ differs }) => differs.length === 0)) return { notebook, cells }
    return { notebook, cells: withoutChance(cells, yield* runs.reference(2)) }
  })
