/** How a process of a sandbox is started. */
import type { Buffer } from "node:buffer"

/** A command line for the host, with an environment of its own. */
export interface Launch {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  /** Contents that its file descriptors from 3 on deliver. */
  readonly descriptors: ReadonlyArray<string | Buffer>
  readonly cwd: string
  /** User and group id of the process; undefined for those of this process. */
  readonly uid: number | undefined
}
