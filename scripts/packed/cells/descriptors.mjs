// Where a process may open few files, the local runtime says so in a sentence.
import { join } from "node:path"
import { refusal } from "../run.mjs"
import { esbuild } from "./bundles.mjs"

const words = /the local runtime needs \d+ open files at a time, and this process may have 64\. Raise the limit/

const refusedAt64 = async (file, cwd) => {
  const text = await refusal("sh", ["-c", `ulimit -n 64; exec "$0" "$1"`, process.execPath, file], words, { cwd })
  if (/^ +at /m.test(text)) throw new Error(`a stack trace:\n${text}`)
}

export const cells = [
  ["agb-local", async ({ project }) => {
    const cwd = await project("npm")
    await refusedAt64(join(cwd, "node_modules/.bin/agb-local"), cwd)
  }],
  // Node's loader of ES modules opens more files at a time for any program that imports effect.
  ["a bundled program", async ({ bundlers }) => {
    const cwd = await bundlers()
    await esbuild(cwd, "few.cjs", "--format=cjs")
    await refusedAt64("few.cjs", cwd)
  }]
].map(([name, run]) => ({ group: "few descriptors", name, run }))
