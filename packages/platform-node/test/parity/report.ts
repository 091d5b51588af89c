/** What `pnpm parity` prints and writes. */
import type { Exclusion, Output } from "./compare.js"
import type { CellJudgement, Judgement } from "./judge.js"

const isCompared = ({ excluded }: CellJudgement) => excluded === undefined

const isDifferent = ({ differs }: CellJudgement) => differs.length > 0

const nameOf = ({ notebook }: Judgement) => `${notebook.origin}/${notebook.name}`

export const lineOf = (judgement: Judgement): string => {
  const compared = judgement.cells.filter(isCompared)
  const different = compared.filter(isDifferent)
  const told = different.map(({ differs, number }) => `cell ${number} (${differs.join(", ")})`)
  const equal = `${compared.length - different.length} of ${compared.length}`
  return `${nameOf(judgement)}: ${equal}${told.length === 0 ? "" : `; different: ${told.join(", ")}`}`
}

const longest = 4000

const shown = (output: Output | undefined) =>
  JSON.stringify(
    output,
    (_, value) => typeof value === "string" && value.length > longest ? `${value.slice(0, longest)}…` : value,
    2
  ) ?? "nothing"

export const detailsOf = (judgements: ReadonlyArray<Judgement>): string =>
  judgements.flatMap((judgement) =>
    judgement.cells.filter(isDifferent).map((cell) =>
      [
        `=== ${nameOf(judgement)}, cell ${cell.number}: ${cell.differs.join(", ")}`,
        cell.code,
        `--- ipykernel\n${shown(cell.reference)}`,
        `--- session\n${shown(cell.output)}\n\n`
      ].join("\n")
    )
  ).join("")

export const summaryOf = (judgements: ReadonlyArray<Judgement>): { readonly share: number; readonly text: string } => {
  const cells = judgements.flatMap(({ cells }) => cells)
  const compared = cells.filter(isCompared)
  const equal = compared.filter((cell) => !isDifferent(cell)).length
  const ran = compared.filter(({ reference }) => reference?.error === null).length
  const share = compared.length === 0 ? 0 : equal / compared.length
  const excluded = new Map<Exclusion, number>()
  for (const { excluded: reason } of cells) {
    if (reason !== undefined) excluded.set(reason, (excluded.get(reason) ?? 0) + 1)
  }
  return {
    share,
    text: [
      `${equal} of ${compared.length} cells are equal: ${(100 * share).toFixed(2)} %`,
      `${ran} of them ran without an error in ipykernel, in ${judgements.length} notebooks`,
      ...[...excluded].map(([reason, count]) => `not compared: ${count} (${reason})`)
    ].join("\n")
  }
}
