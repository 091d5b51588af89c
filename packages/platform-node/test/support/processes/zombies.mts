/** Process 1 of its machine, which reaps none but its own children: uses every isolation and prints what is left. */
import { Effect } from "effect"
import * as Fs from "node:fs"
import { nodeOnly } from "../../../src/internal/sandbox/confine/interpreters.js"
import { make } from "../../../src/internal/sandbox/sandbox.js"
import { probeAll } from "../../../src/Isolation.js"
import { until } from "./processes.js"

const [agent = ""] = process.argv.slice(2)

const names = () =>
  Fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && pid !== "1").flatMap((pid) => {
    try {
      return [Fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(" ").slice(1, 3).join(" ")]
    } catch {
      return []
    }
  }).filter((name) => !name.includes("esbuild"))

const use = Effect.flatMap(
  probeAll,
  Effect.forEach((isolation) =>
    make({ isolation, interpreters: nodeOnly, agent }).pipe(
      Effect.flatMap((sandbox) =>
        sandbox.call({ op: "shell", command: "setsid sleep 100 >/dev/null 2>&1 &", timeoutMs: 5000 })
      ),
      Effect.scoped
    )
  )
)

await Effect.runPromise(Effect.zipRight(use, until(() => names().length === 0)))
process.stdout.write(JSON.stringify({ pid: process.pid, left: names() }))
