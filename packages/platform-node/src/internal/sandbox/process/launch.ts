/** What a process is started with. */
import type { Buffer } from "node:buffer"

/** A command for the host: `descriptors` are what its file descriptors from 3 on deliver before they end. */
export interface Launch {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly descriptors: ReadonlyArray<string | Buffer>
  readonly cwd: string
  /** The user and group id to start as, where not those of this process. */
  readonly uid: number | undefined
}
