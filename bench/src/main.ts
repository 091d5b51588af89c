// All comparisons, or those named as arguments. Each prints the medians of one run and their ratios to a baseline, its first line.
import { agentStart } from "./agentStart.js"
import { code } from "./code.js"
import { startContenders } from "./contenders.js"
import { files } from "./files.js"
import { neighbours } from "./neighbours.js"
import { pages } from "./pages.js"
import { sessions } from "./sessions.js"
import { shell } from "./shell.js"
import { split } from "./split.js"
import { startup } from "./startup.js"
import { toolCall } from "./toolCall.js"
import { transfer } from "./transfer.js"

/** These need the runtime and its alternatives. Large files come last: the heap that they leave makes every later fork slower. */
const sideBySide = { sessions, code, shell, split, transfer }
const alone = { toolCall, files, startup, agentStart, neighbours, pages }

const names = [...Object.keys(sideBySide), ...Object.keys(alone)]
const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !names.includes(name))
if (unknown !== undefined) {
  console.error(`No comparison is called ${unknown}; there are ${names.join(", ")}`)
  process.exit(2)
}
const isWanted = ([name]: readonly [string, unknown]) => wanted.length === 0 || wanted.includes(name)

console.log(`Node ${process.versions.node}; medians; ratios are to the baseline, the first line of each block`)
const started = performance.now()
for (const [, run] of Object.entries(alone).filter(isWanted)) await run()
const compared = Object.entries(sideBySide).filter(isWanted)
if (compared.length > 0) {
  const contenders = await startContenders()
  console.log(`\nagb-local: ${contenders.local.server.isolation}`)
  for (const [, run] of compared) await run(contenders)
  await contenders.stop()
}
console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s`)
process.exit()
