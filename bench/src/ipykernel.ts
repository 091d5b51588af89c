// A Jupyter kernel for Python, kept warm by jupyter_client in a process of its own: the nearest thing to a kernel here.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export interface Ipykernel {
  readonly version: string
  /** Starts a kernel and runs `1 + 1` in it. */
  readonly cold: () => Promise<void>
  /** Runs `1 + 1` in the kernel that was started last. */
  readonly warm: () => Promise<void>
  /** Ends that kernel. */
  readonly end: () => Promise<void>
  readonly stop: () => void
}

const driver = fileURLToPath(new URL("ipykernelDriver.py", import.meta.url))

const drive = async (python: string): Promise<Ipykernel | undefined> => {
  const child = spawn(python, ["-Xfrozen_modules=off", driver], { stdio: ["pipe", "pipe", "ignore"] })
  child.on("error", () => {})
  child.stdin.on("error", () => {})
  process.once("exit", () => child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => String((await lines.next()).value)
  const first = await next()
  if (!first.startsWith("ready")) return undefined
  const ask = (word: string) => async () => {
    child.stdin.write(`${word}\n`)
    if (await next() !== "done") throw new Error("ipykernel gave no result")
  }
  return {
    version: first.slice("ready ".length),
    cold: ask("cold"),
    warm: ask("warm"),
    end: ask("end"),
    stop: () => child.stdin.end()
  }
}

/** With the first Python that has `ipykernel` and `jupyter_client`, if any has. */
export const startIpykernel = async (): Promise<Ipykernel | undefined> => {
  for (const python of ["/usr/bin/python3", "python3"]) {
    if (python.startsWith("/") && !existsSync(python)) continue
    const found = await drive(python)
    if (found !== undefined) return found
  }
  return undefined
}
