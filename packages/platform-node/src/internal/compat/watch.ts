/** Polls a directory for changes, as the official SDK does. */
import type { AgbError } from "@effect-agb/core/AgbError"
import type { FileChangeEvent } from "@effect-agb/core/FileSystem"
import { AGBError } from "./errors.js"

/**
 * A directory that is watched.
 *
 * @since 0.1.0
 * @category models
 */
export interface WatchHandle {
  readonly stop: () => void
}

interface Poll {
  readonly success: boolean
  readonly events: Array<FileChangeEvent>
  readonly cause?: AgbError
}

const pause = (millis: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener("abort", end)
      resolve()
    }
    const timer = setTimeout(end, millis)
    signal.addEventListener("abort", end, { once: true })
  })

const maxIntervalMs = 86_400_000

export class DirectoryWatch {
  /** Resolves when the watch has ended. Rejects with what the callback throws, and for arguments that are none. */
  readonly ended: Promise<void>
  readonly #poll: () => Promise<Poll>
  readonly #callback: (events: Array<FileChangeEvent>) => void
  readonly #signal: AbortSignal

  constructor(
    poll: () => Promise<Poll>,
    callback: (events: Array<FileChangeEvent>) => void,
    intervalMs: number,
    signal: AbortSignal = new AbortController().signal
  ) {
    this.#poll = poll
    this.#callback = callback
    this.#signal = signal
    this.ended = this.#run(intervalMs)
  }

  async #run(intervalMs: number): Promise<void> {
    if (typeof this.#callback !== "function") throw new TypeError("callback must be a function")
    if (!(intervalMs > 0 && intervalMs <= maxIntervalMs)) {
      throw new RangeError("intervalMs must be a number of milliseconds above 0 and up to 1 day")
    }
    while (!this.#signal.aborted) {
      const changes = await this.#poll()
      const { cause } = changes
      if (cause?._tag === "InvalidRequestError") throw new AGBError(cause.message, {}, { cause })
      if (this.#signal.aborted || cause?._tag === "SessionLostError") return
      if (changes.success) this.#callback(changes.events)
      await pause(intervalMs, this.#signal)
    }
  }
}
