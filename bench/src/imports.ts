// What importing costs, each time in a fresh process.
import { compare } from "./compare.js"
import { exited } from "./processes.js"

const importing = (name: string) => ({
  name: `import ${name}`,
  run: () =>
    exited(process.execPath, [
      "--input-type=module",
      "-e",
      `await import(${JSON.stringify(import.meta.resolve(name))})`
    ])
})

export const imports = (): Promise<void> =>
  compare("Import, in a fresh Node process", [
    { name: "node alone", run: () => exited(process.execPath, ["--input-type=module", "-e", "0"]) },
    importing("effect"),
    importing("@effect-agb/core"),
    importing("@effect-agb/core/Session"),
    importing("@effect-agb/platform-node")
  ], { rounds: 7, warmup: 1 })
