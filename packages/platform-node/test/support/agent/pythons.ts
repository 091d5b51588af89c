/** The interpreters of Python that are installed here, with IPython and without it. */
import { spawnSync } from "node:child_process"
import * as Agent from "./agentProcess.js"

export const hasModule = (python: string | undefined, module: string) =>
  python !== undefined && spawnSync(python, ["-c", `import ${module}`]).status === 0

const system = Agent.interpreters.python
const onPath = spawnSync("python3", ["-c", "import sys; print(sys.executable)"]).stdout?.toString().trim()
const withIPython = [system, onPath].find((python) => hasModule(python, "IPython"))
const withoutIPython = [system, onPath].find((python) => python !== undefined && !hasModule(python, "IPython"))

export const pythons = [["IPython", withIPython], ["no IPython", withoutIPython]] as const
