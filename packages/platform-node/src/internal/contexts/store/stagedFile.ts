/**
 * A file being written. Chunks are collected in one buffer while another is written to disk; further ones wait, so that memory
 * stays bounded for files of any size.
 */
import * as Fs from "node:fs"
import { releaseBuffer, takeBuffer } from "./buffers.js"
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
  #isFinished = false
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

  /** Copies a chunk; await it before the next. Throws where the quota is exceeded. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    this.#quota.take(chunk.length)
    this.#size += chunk.length
    const taken = this.#gather(chunk)
    return taken === chunk.length ? undefined : this.#writeRest(chunk.subarray(taken))
  }

  /** Writes what is buffered, and syncs it to disk if `isDurable`. Has no effect a second time. */
  async finish(isDurable: boolean): Promise<void> {
    if (this.#isFinished) return
    if (this.#filled > 0) await this.#flush()
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
    if (isDurable) await this.#file.datasync()
    await this.#file.close()
    this.#isFinished = true
  }

  /** Makes `abort` do nothing from now on. */
  keep(): void {
    this.#isKept = true
  }

  /** Removes the file, unless it is kept. */
  async abort(): Promise<void> {
    if (this.#isKept) return
    await this.#writing
    await this.#file.close().catch(() => {})
    await Fs.promises.rm(this.#path, { force: true }).catch(() => {})
    this.#quota.adjust(-this.#size)
    this.#size = 0
  }

  /** Returns how many bytes fit into the buffer. */
  #gather(chunk: Uint8Array): number {
    this.#buffer ??= takeBuffer()
    const part = chunk.subarray(0, this.#buffer.length - this.#filled)
    this.#buffer.set(part, this.#filled)
    this.#filled += part.length
    return part.length
  }

  async #writeRest(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      await this.#flush()
      at += this.#gather(chunk.subarray(at))
    }
  }

  /** Starts writing the buffer, once the one before it has been written. */
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
      releaseBuffer(buffer)
    }
  }
}
