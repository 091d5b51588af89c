// Child processes to compare with.
import { spawn } from "node:child_process"

export const exited = (command: string, args: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "ignore" })
    child.on("error", reject)
    child.on("exit", () => resolve())
  })
