// Child processes to compare with.
import { execFileSync, spawn, type SpawnOptions } from "node:child_process"

/** Runs a program to its end and answers what it printed; fails where it fails. */
export const output = (command: string, args: ReadonlyArray<string>, options: SpawnOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] })
    let text = ""
    let complaint = ""
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
    })
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      complaint += chunk
    })
    child.on("error", reject)
    child.on(
      "close",
      (code, signal) =>
        code === 0 ? resolve(text) : reject(new Error(`${command} ended with ${code ?? signal}: ${complaint.trim()}`))
    )
  })

export const exited = (command: string, args: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "ignore" })
    child.on("error", reject)
    child.on("exit", () => resolve())
  })

/** Where a program is, if it is installed. */
export const find = (program: string): string | undefined => {
  try {
    return execFileSync("/bin/sh", ["-c", `command -v "$1"`, "sh", program], { encoding: "utf8" }).trim()
  } catch {
    return undefined
  }
}

/** The interpreter itself and not a shim that first looks for it. */
export const pythonPath = (): string | undefined => {
  try {
    return execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim()
  } catch {
    return undefined
  }
}
