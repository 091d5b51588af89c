/** Files that are written over several calls. They get their name with the last one, and none if that never comes. */
import { type Args, countArg } from "../wire/args.js"
import { Failure } from "../wire/failure.js"
import type { Operation, Upload } from "../wire/operation.js"
import { type FileUpload, receiveFile } from "./writeFile.js"

/** Each holds a descriptor. */
const maxOpen = 128

export class OpenWrites {
  readonly #files = new Map<number, FileUpload>()

  /** Opens a file, which is known by the id of this call. */
  readonly begin: Operation = async ({ args, id }) => {
    if (this.#files.size >= maxOpen) throw new Failure("EMFILE", `More than ${maxOpen} files are being written`)
    const file = receiveFile(args)
    const failure = file.failure()
    if (failure !== undefined) {
      file.abort()
      throw failure
    }
    this.#files.set(id, file)
    return { value: { file: id } }
  }

  readonly continue = (args: Args): Upload => {
    const file = this.#files.get(countArg(args, "file") ?? -1)
    return {
      write: (chunk) => file?.write(chunk),
      end: () => {
        if (file === undefined) throw notOpen
        const failure = file.failure()
        if (failure !== undefined) throw failure
        return { value: null }
      }
    }
  }

  /** Gives the file its name, or undoes it. */
  readonly end: Operation = async ({ args }) => {
    const id = countArg(args, "file") ?? -1
    const file = this.#files.get(id)
    if (file === undefined) throw notOpen
    this.#files.delete(id)
    if (args["commit"] === true) return file.end()
    file.abort()
    return { value: { bytesWritten: 0 } }
  }
}

const notOpen = new Failure("EBADF", "Bad file descriptor: this file is not being written")
