/** The directory in which commands and kernels start. */
import { mkdirSync, statSync } from "node:fs"
import { Failure, mapErrors } from "../wire/failure.js"
import type { Config } from "../wire/operation.js"

/** The default, created again if the session has removed it. */
export const workdirOf = ({ home, workdir = home }: Config) => {
  try {
    mkdirSync(workdir, { recursive: true })
  } catch { /* reported when a process is started there */ }
  return workdir
}

export const checkDirectory = (cwd: string) => {
  if (!mapErrors(`cwd ${cwd}`, () => statSync(cwd)).isDirectory()) {
    throw new Failure("ENOTDIR", `Not a directory: cwd ${cwd}`)
  }
}
