// All comparisons, or those named as arguments. Each prints medians of one run and ratios to its first line.
import { files } from "./files.js"
import { imports } from "./imports.js"
import { runs } from "./runs.js"
import { toolCall } from "./toolCall.js"

const all = { toolCall, runs, files, imports }

console.log(`Node ${process.versions.node}; medians, the first line of each block is the floor`)
const wanted = process.argv.slice(2)
for (const [name, run] of Object.entries(all)) {
  if (wanted.length === 0 || wanted.includes(name)) await run()
}
process.exit(0)
