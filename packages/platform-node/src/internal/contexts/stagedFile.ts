/**
 * A file that is being written. Small pieces are gathered, and while some are on their way to the disk the next may
 * come; more than that waits, so that memory stays bounded however large the file is.
 */
import * as Fs from "node:fs"
import type { Quota } from "./quota.js"

const gathered = 1024 * 1024

export class StagedFile {
  readonly #file: Fs.promises.FileHandle
  readonly #path: string
  readonly #quota: Quota
  #pieces: Array<Uint8Array> = []
  #waiting = 0
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

  /** Takes a piece; what it returns must be awaited before the next. Throws when there is no room. */
  write(piece: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    this.#quota.take(piece.length)
    this.#size += piece.length
    this.#pieces.push(piece)
    this.#waiting += piece.length
    return this.#waiting < gathered ? undefined : this.#flush()
  }

  /** Everything is in the file, and on the disk when that is asked for. */
  async finish(isDurable: boolean): Promise<void> {
    await this.#flush()
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

  /** Resolves when the pieces before these are written. */
  async #flush(): Promise<void> {
    const before = this.#writing
    const pieces = this.#pieces
    this.#pieces = []
    this.#waiting = 0
    const write = async () => {
      await before
      if (pieces.length > 0 && this.#failure === undefined) await this.#writeAll(pieces)
    }
    this.#writing = write().catch((error) => {
      this.#failure ??= error
    })
    await before
  }

  async #writeAll(pieces: Array<Uint8Array>): Promise<void> {
    const total = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const { bytesWritten } = await this.#file.writev(pieces)
    if (bytesWritten === total) return
    const rest = Buffer.concat(pieces).subarray(bytesWritten)
    for (let at = 0; at < rest.length;) at += (await this.#file.write(rest, at)).bytesWritten
  }
}
