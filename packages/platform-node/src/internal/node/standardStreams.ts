/**
 * Standard output and error whose reader is gone: a closed pipe (EPIPE) or terminal (EIO). Without a listener Node turns
 * each failed write into an uncaught exception, whose report is the next failed write.
 */
import { closeSync } from "node:fs"
import { isatty } from "node:tty"

/** The reader is gone for good, as opposed to a write that failed for a reason of its own, such as a full disk. */
export const isReaderGone = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "EPIPE" || error.code === "EIO")

/**
 * Listens for failed writes as long as the process lives. Those to standard error are dropped, whatever the reason: there
 * is nowhere left to report them. `onClosedOutput` is called when standard output has lost its reader, `onError` for other
 * errors of it.
 */
export const onBrokenStreams = (onClosedOutput: () => void, onError: (error: Error) => void): void => {
  process.stderr.on("error", () => {})
  process.stdout.on("error", (error) => isReaderGone(error) ? onClosedOutput() : onError(error))
}

/**
 * Closes descriptors whose terminal has been closed when the process exits: Node aborts instead of exiting when it cannot
 * restore the settings of a terminal.
 */
export const closeLostTerminals = (): void => {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))
  process.once("exit", () => {
    for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor)
  })
}
