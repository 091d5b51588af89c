/** Atomic writes: the contents go to a temporary file in the same directory, which is then renamed. */
import {
  accessSync,
  constants,
  fchmodSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync
} from "node:fs"
import { dirname, join } from "node:path"
import { Failure } from "../wire/failure.js"
import { resolveBeneath } from "./beneath.js"
import { ownName } from "./ownFiles.js"
import { notRegular } from "./regularFile.js"

const { O_CREAT, O_EXCL, O_WRONLY } = constants

/** A file that becomes visible with `commit`. */
export interface Staged {
  readonly fd: number
  readonly commit: () => void
  readonly abort: () => void
}

/** Replaces a file, if it exists, and keeps its permissions. A symbolic link is written through. */
export const stageReplacement = (file: string): Staged =>
  stage(file, true, renameSync, (target) => {
    const existing = lstatSync(target, { throwIfNoEntry: false })
    if (existing === undefined) return undefined
    if (!existing.isFile()) throw notRegular(file, existing)
    accessSync(target, constants.W_OK)
    return existing.mode & 0o7777
  })

/** Creates a file, unless the name is taken by the time of `commit`. */
export const stageCreation = (file: string): Staged =>
  stage(file, false, linkOnce, (target) => {
    if (lstatSync(target, { throwIfNoEntry: false }) === undefined) return undefined
    throw new Failure("EEXIST", `Already exists: ${file}`)
  })

/** `check` returns the permissions of the file, or undefined for the default. */
const stage = (
  file: string,
  follow: boolean,
  publish: (temporary: string, target: string) => void,
  check: (target: string) => number | undefined
): Staged => {
  const resolved = resolveBeneath(file, follow)
  const temporary = join(dirname(resolved.path), ownName("part"))
  const abort = () => {
    rmSync(temporary, { force: true })
    resolved.close()
  }
  try {
    const mode = check(resolved.path)
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666)
    if (mode !== undefined) fchmodSync(fd, mode)
    const commit = () => {
      try {
        publish(temporary, resolved.path)
      } catch (error) {
        rmSync(temporary, { force: true })
        throw error
      } finally {
        resolved.close()
      }
    }
    return { fd, commit, abort }
  } catch (error) {
    resolved.close()
    throw error
  }
}

const linkOnce = (temporary: string, target: string) => {
  linkSync(temporary, target)
  unlinkSync(temporary)
}
