/** Types of transfers. */
import type * as Platform from "@effect/platform/Error"
import type { FileSystemError } from "../fileErrors.js"

export type TransferError = FileSystemError | Platform.PlatformError

export interface Progress {
  /** The file that was moved last, relative to the root; empty for the root itself. */
  readonly path: string
  /** Files that are in their place. */
  readonly files: number
  readonly totalFiles: number
  /** Bytes that are there, including those of earlier transfers. */
  readonly bytes: number
  readonly totalBytes: number
  /** What is neither a file nor a directory, and was left out: links and the like. */
  readonly skipped: ReadonlyArray<string>
}

export interface TransferOptions {
  /**
   * Whether to leave out files that are the same on both sides, and to continue with large files where an earlier transfer
   * broke off; both are decided by checksums. Otherwise everything is moved anew. Default: true.
   */
  readonly resume?: boolean | undefined
  /** `checksum` compares each file as a whole once more after it was moved. Default: `size`. */
  readonly verify?: "size" | "checksum" | undefined
}

export interface Settings {
  readonly operation: string
  readonly resume: boolean
  readonly verify: "size" | "checksum"
}
