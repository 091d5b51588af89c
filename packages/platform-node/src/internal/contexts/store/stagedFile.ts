/**
 * A file that is being written. Pieces are gathered, and while some are on their way to the disk the next may come; more
 * than that waits, so that memory stays bounded however large the file is.
 */
import * as Fs from "node:fs"
import { giveBuffer, takeBuffer } from "./buffers.js"
import type { Quota } from "./quota.js"

export class StagedFile {
  readonly #file: Fs.promises.FileHandle
  readonly #path: string
  readonly #quota: Quota
  #buffer: Buffer | undefined
  #filled = 0
  #size = 0
  #writing: Promise<void> = Promise.resolve()
  #failure: unknown
  #isKept = false

  private constructor(file: Fs.promises.FileHandle, path: string, quota: Quota) {
    this.#file = file
    this.#path = path
    this.#quota = quota
  }

  static async create(path: string, quota: Quota): Promise<StagedFile> {
    return new StagedFile(await Fs.promises.open(path, "wx", 0o600), path, quota)
  }

  get size(): number {
    return this.#size
  }

  /** Takes a piece, which then belongs to the caller again; to be awaited before the next. Throws when there is no room. */
  write(piece: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    this.#quota.take(piece.length)
    this.#size += piece.length
    const taken = this.#gather(piece)
    return taken === piece.length ? undefined : this.#writeRest(piece.subarray(taken))
  }

  /** Everything is in the file, and on the disk when that is asked for. */
  async finish(isDurable: boolean): Promise<void> {
    if (this.#filled > 0) await this.#flush()
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
    if (isDurable) await this.#file.datasync()
    await this.#file.close()
  }

  /** From now on it cannot be aborted. */
  keep(): void {
    this.#isKept = true
  }

  /** Leaves nothing behind, unless it is kept. */
  async abort(): Promise<void> {
    if (this.#isKept) return
    await this.#writing
    await this.#file.close().catch(() => {})
    await Fs.promises.rm(this.#path, { force: true }).catch(() => {})
    this.#quota.count(-this.#size)
    this.#size = 0
  }

  /** How much of the piece had room. */
  #gather(piece: Uint8Array): number {
    this.#buffer ??= takeBuffer()
    const part = piece.subarray(0, this.#buffer.length - this.#filled)
    this.#buffer.set(part, this.#filled)
    this.#filled += part.length
    return part.length
  }

  async #writeRest(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length;) {
      await this.#flush()
      at += this.#gather(piece.subarray(at))
    }
  }

  /** Resolves when what was gathered before this is written. */
  async #flush(): Promise<void> {
    const [buffer, filled, before] = [this.#buffer, this.#filled, this.#writing]
    this.#buffer = undefined
    this.#filled = 0
    if (buffer === undefined) return
    this.#writing = before.then(() => this.#writeAll(buffer, filled))
    await before
  }

  async #writeAll(buffer: Buffer, length: number): Promise<void> {
    try {
      for (let at = 0; at < length && this.#failure === undefined;) {
        at += (await this.#file.write(buffer, at, length - at)).bytesWritten
      }
    } catch (error) {
      this.#failure ??= error
    } finally {
      giveBuffer(buffer)
    }
  }
}
