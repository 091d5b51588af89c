// One more run in a kernel that is warm, against starting the interpreter for each.
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Alternative, compare, type Missing } from "./compare.js"
import { type Contenders, viaIpykernel, viaSandboxRuntime } from "./contenders.js"
import { find, output } from "./processes.js"

const spawned = (program: string | undefined, name: string, args: ReadonlyArray<string>): Alternative | Missing =>
  program === undefined ? { name, missing: "not installed" } : { name, run: () => output(program, args) }

export const code = async (contenders: Contenders): Promise<void> => {
  const { local, python } = contenders
  const { close, session } = await local.open()
  const folder = await mkdtemp(join(tmpdir(), "agb-bench-"))
  const source = join(folder, "Sum.java")
  await writeFile(source, "class Sum { public static void main(String[] a) { System.out.println(1 + 1); } }")

  const warm = (language: string, text = "1 + 1"): Alternative | Missing => {
    const name = `runCode, warm ${language}`
    return local.server.languages.includes(language)
      ? { name, run: () => local.run(session.code.runCode(text, language)) }
      : { name, missing: "not available in this runtime" }
  }
  await contenders.ipykernel?.cold()
  await compare("Python 1 + 1", [
    spawned(python, "spawn python3 -c", ["-c", "print(1 + 1)"]),
    viaSandboxRuntime(contenders, "/usr/bin/python3 -c 'print(1 + 1)'"),
    viaIpykernel(contenders, "warm", ({ warm }) => ({ run: warm })),
    warm("python")
  ], { rounds: 40 })
  await contenders.ipykernel?.end()
  await compare("JavaScript 1 + 1", [
    spawned(process.execPath, "spawn node -e", ["-e", "console.log(1 + 1)"]),
    warm("javascript")
  ], { rounds: 40 })
  await compare("R 1 + 1", [spawned(find("Rscript"), "spawn Rscript -e", ["-e", "1 + 1"]), warm("r")], { rounds: 15 })
  await compare("Java 1 + 1", [
    { ...spawned(find("java"), "spawn java Sum.java", [source]), every: 5 },
    warm("java")
  ], { rounds: 30 })

  await close()
  await rm(folder, { recursive: true })
}
