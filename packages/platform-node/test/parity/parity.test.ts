/** What `pnpm parity` takes for equal, for different and for no question. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { differences, exclusionOf, type Output } from "./compare.js"
import { judge } from "./judge.js"
import { cellsOf } from "./notebooks.js"
import { detailsOf, summaryOf } from "./report.js"

const output = (parts: Partial<Output> = {}): Output => ({ stdout: "", stderr: "", results: [], error: null, ...parts })

const shown = (data: Record<string, unknown>, isMainResult = true) => output({ results: [{ data, isMainResult }] })

const failure = (name: string, value = "") => output({ error: { name, value } })

const notebook = (...cells: ReadonlyArray<string>) => ({ origin: "package", name: "notebook", cells })

const judged = (
  cells: ReadonlyArray<string>,
  references: ReadonlyArray<ReadonlyArray<Output>>,
  outputs: ReadonlyArray<Output>
) =>
  Effect.runSync(judge(notebook(...cells), {
    reference: (run) => Effect.succeed(references[run - 1] ?? assert.fail(`run ${run}`)),
    outputs: Effect.succeed(outputs)
  }))

describe("outputs", () => {
  it("differ by every aspect", () => {
    const [one, other] = [output({ stdout: "a", stderr: "b" }), shown({ "text/plain": "1" })]
    assert.deepStrictEqual(differences(one, other), ["stdout", "stderr", "results"])
    assert.deepStrictEqual(differences(failure("A"), failure("B")), ["error"])
    assert.deepStrictEqual(differences(failure("A", "x"), failure("A", "y")), ["error"])
    assert.deepStrictEqual(differences(failure("A"), output()), ["error"])
  })

  it("differ by each representation, its type and whether it is the value", () => {
    const value = { "text/plain": "1", "text/html": "<b>1</b>" }
    assert.deepStrictEqual(differences(shown(value), shown({ "text/html": "<b>1</b>", "text/plain": "1" })), [])
    assert.deepStrictEqual(differences(shown(value), shown({ "text/plain": "1" })), ["results"])
    assert.deepStrictEqual(differences(shown(value), shown(value, false)), ["results"])
    assert.deepStrictEqual(differences(shown({ "image/png": "AA==" }), shown({ "image/png": "AQ==" })), ["results"])
    assert.deepStrictEqual(
      differences(shown({ "application/json": { a: [1] } }), shown({ "application/json": { a: [2] } })),
      ["results"]
    )
  })

  it("are equal but for addresses, names of cells and temporary files, colors, and line ends of base64", () => {
    const equal = [
      [output({ stdout: "<A at 0x7f00>" }), output({ stdout: "<A at 0x7e11>" })],
      [output({ stderr: "/tmp/ipykernel_7/123.py:1: W" }), output({ stderr: "<run 3>:1: W" })],
      [failure("SyntaxError", "invalid (123.py, line 1)"), failure("SyntaxError", "invalid (<run 3>, line 1)")],
      [
        output({ stderr: "/usr/lib/python3/dist-packages/a.py:1: W" }),
        output({ stderr: "/home/me/node_modules/.cache/parity/python/libraries/a.py:1: W" })
      ],
      [output({ stdout: "/tmp/tmpabcd_123" }), output({ stdout: "/tmp/tmpx0x0x0x0" })],
      [shown({ "text/plain": "\u001b[0;31mType:\u001b[0m int" }), shown({ "text/plain": "Type: int" })],
      [shown({ "image/png": "AA==\n" }), shown({ "image/png": "AA==" })]
    ] as const
    for (const [one, other] of equal) assert.deepStrictEqual(differences(one, other), [])
    assert.deepStrictEqual(differences(output({ stdout: "a\n" }), output({ stdout: "a" })), ["stdout"])
  })
})

describe("cells", () => {
  it("are excluded by what ipykernel says of them", () => {
    assert.strictEqual(exclusionOf("1", undefined, false), "too long")
    assert.strictEqual(exclusionOf("import a", failure("ModuleNotFoundError"), false), "package missing")
    assert.strictEqual(exclusionOf("a.b", failure("NameError"), true), "package missing")
    assert.strictEqual(exclusionOf("input()", failure("StdinNotImplementedError"), false), "front end")
    assert.strictEqual(exclusionOf("%qtconsole", output(), false), "front end")
    const widget = shown({ "application/vnd.jupyter.widget-view+json": {} })
    assert.strictEqual(exclusionOf("slider", widget, false), "front end")
    assert.isUndefined(exclusionOf("a.b", failure("NameError"), false))
    assert.isUndefined(exclusionOf("1", output(), true))
  })

  it("are compared in order, and a missing one differs", () => {
    const references = [output({ stdout: "a" }), output({ stdout: "b" })]
    const { cells } = judged(["1", "2"], [references, references], [output({ stdout: "a" })])
    assert.deepStrictEqual(cells.map(({ differs }) => differs.length > 0), [false, true])
  })

  it("show chance where ipykernel differs from itself in the same way", () => {
    const first = [output({ stdout: "1" }), output({ stdout: "1" })]
    const again = [output({ stdout: "2" }), output({ stdout: "1", stderr: "x" })]
    const { cells } = judged(["random", "same"], [first, again], [output({ stdout: "3" }), output({ stdout: "3" })])
    assert.deepStrictEqual(cells.map(({ excluded }) => excluded), ["chance or clock", undefined])
    assert.deepStrictEqual(cells[1]?.differs, ["stdout"])
  })

  it("are those of Python that have code", () => {
    const cell = (cell_type: string, source: string | ReadonlyArray<string>) => ({ cell_type, source })
    const cells = [cell("markdown", "text"), cell("code", ["a = 1\n", "a"]), cell("code", " \n"), cell("code", "b")]
    assert.deepStrictEqual(cellsOf(JSON.stringify({ cells })), ["a = 1\na", "b"])
    assert.deepStrictEqual(cellsOf(JSON.stringify({ cells, metadata: { kernelspec: { language: "R" } } })), [])
  })
})

it("the share counts the cells that are compared, and tells the others by reason", () => {
  const references = [output(), output({ stdout: "a" }), failure("ModuleNotFoundError"), failure("NameError")]
  const judgement = judged(["1", "print('a')", "import b", "b"], [references, references], [
    output(),
    output({ stdout: "c" })
  ])
  const { share, text } = summaryOf([judgement])
  assert.strictEqual(share, 0.5)
  assert.include(text, "1 of 2 cells are equal: 50.00 %")
  assert.include(text, "not compared: 2 (package missing)")
  assert.include(detailsOf([judgement]), "=== package/notebook, cell 2: stdout\nprint('a')")
  assert.strictEqual(summaryOf([]).share, 0)
})
