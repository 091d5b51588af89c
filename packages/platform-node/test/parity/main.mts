/**
 * `pnpm parity`: how many cells of public notebooks give in a session what they give in ipykernel, with the same Python.
 *
 *     pnpm parity [--without-ipython] [--fewest n] [--again] [word ...]
 *
 * Words select notebooks by a part of their package or name, `--fewest` by how many cells they have. What ipykernel gave is kept
 * in `node_modules/.cache/parity`, as the packages are; `--again` runs it anew.
 */
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as engines from "./engines.js"
import { judge } from "./judge.js"
import { download } from "./notebooks.js"
import * as packages from "./packages.js"
import * as python from "./python.js"
import { References } from "./references.js"
import { detailsOf, lineOf, summaryOf } from "./report.js"

const { positionals: words, values } = parseArgs({
  allowPositionals: true,
  options: {
    "without-ipython": { type: "boolean", default: false },
    fewest: { type: "string", default: String(packages.fewestCells) },
    again: { type: "boolean", default: false }
  }
})
const withoutIPython = values["without-ipython"]
const folder = fileURLToPath(new URL("../../../../node_modules/.cache/parity/", import.meta.url))
const fewest = Number(values.fewest)
const details = join(folder, withoutIPython ? "differences-without-ipython.txt" : "differences.txt")
const wanted = withoutIPython ? 0.97 : 0.99

const program = Effect.gen(function*() {
  mkdirSync(folder, { recursive: true })
  const missing = python.missing(packages.libraries)
  if (missing.length > 0) return yield* Effect.fail(`missing: apt-get install ${missing.join(" ")}`)
  const notebooks = download(packages.notebooks, join(folder, "packages"))
    .filter(({ cells }) => cells.length >= fewest)
    .filter(({ name, origin }) => words.length === 0 || words.some((word) => `${origin}/${name}`.includes(word)))
  const fixed = [engines.driver, python.versions(packages.libraries)]
  const references = new References(join(folder, "references"), fixed, values.again)
  const fonts = yield* engines.fontList
  writeFileSync(details, "")
  const judgements = yield* Effect.forEach(notebooks, (notebook, index) =>
    judge(notebook, {
      reference: (run) => references.get(notebook.cells, run, engines.inIpykernel(fonts, notebook.cells)),
      outputs: engines.inSession(fonts, notebook.cells)
    }).pipe(Effect.tap((judgement) => {
      appendFileSync(details, detailsOf([judgement]))
      return Console.log(`${index + 1}/${notebooks.length} ${lineOf(judgement)}`)
    })), { concurrency: availableParallelism() })
  const { share, text } = summaryOf(judgements)
  yield* Console.log(`\n${text}\nBoth outputs of each cell that differs: ${details}`)
  if (share < wanted) return yield* Effect.fail(`less than ${wanted * 100} % of the cells are equal`)
})

process.env["PATH"] = `${withoutIPython ? python.withoutIPython(folder) : "/usr/bin"}:${process.env["PATH"]}`
NodeAgb.runMain(program.pipe(Effect.provide(LocalAgb.layer())))
