/**
 * Open files. No descriptor lives in the session: each call finds the file by its path, and fails if another file has taken its
 * place since.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as Platform from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { badArgument } from "../platformError.js"
import * as contents from "./contents.js"
import { type Call, errno } from "./errors.js"
import * as fileInfo from "./fileInfo.js"
import { absolute, type Machine, run } from "./machine.js"
import * as scripts from "./scripts.js"

/** A length as scripts take it; less than nothing is nothing, as on Node. */
export const lengthText = (method: string, length: Platform.SizeInput): Effect.Effect<string, PlatformError> =>
  typeof length === "bigint" || Number.isSafeInteger(length)
    ? Effect.succeed(String(length < 0 ? 0 : length))
    : Effect.fail(badArgument({
      module: "FileSystem",
      method,
      description: `length: expected an integer, given ${length}`
    }))

/** Numbers of descriptors, after those of the standard streams. */
let descriptors = 2

class OpenFile implements Platform.File {
  readonly [Platform.FileTypeId]: Platform.FileTypeId = Platform.FileTypeId
  readonly fd = Platform.FileDescriptor(++descriptors)
  readonly #machine: Machine
  readonly #path: string
  readonly #inode: string
  readonly #flag: Platform.OpenFlag
  readonly #turn = Effect.unsafeMakeSemaphore(1)
  #position = 0n
  #isClosed = false

  constructor(machine: Machine, path: string, inode: string, flag: Platform.OpenFlag) {
    this.#machine = machine
    this.#path = path
    this.#inode = inode
    this.#flag = flag
  }

  get stat(): Effect.Effect<Platform.File.Info, PlatformError> {
    return this.#call("stat", "fstat", true, (call) => fileInfo.stat(this.#machine, call, this.#path, this.#inode))
  }

  get sync(): Effect.Effect<void, PlatformError> {
    return this.#call(
      "sync",
      "fsync",
      true,
      (call) => Effect.asVoid(run(this.#machine, call, scripts.sync, [this.#path, this.#inode], "idempotent"))
    )
  }

  /** Gives the new position, as on Node. */
  seek(offset: Platform.SizeInput, from: Platform.SeekMode): Effect.Effect<Platform.Size> {
    return this.#turn.withPermits(1)(Effect.sync(() => {
      this.#position = from === "start" ? BigInt(offset) : this.#position + BigInt(offset)
      return Platform.Size(this.#position)
    }))
  }

  read(buffer: Uint8Array): Effect.Effect<Platform.Size, PlatformError> {
    return this.#call("read", "read", this.#isReadable, (call) => this.#fill(call, buffer, 0))
  }

  readAlloc(size: Platform.SizeInput): Effect.Effect<Option.Option<Uint8Array>, PlatformError> {
    return this.#call("readAlloc", "read", this.#isReadable, (call) =>
      Effect.suspend(() => {
        const buffer = new Uint8Array(Number(size))
        return Effect.map(this.#fill(call, buffer, 0), (length) =>
          length === 0n ? Option.none() : Option.some(buffer.subarray(0, Number(length))))
      }))
  }

  truncate(length: Platform.SizeInput = 0): Effect.Effect<void, PlatformError> {
    return this.#call(
      "truncate",
      "ftruncate",
      this.#isWritable,
      (call) =>
        Effect.flatMap(lengthText("truncate", length), (text) =>
          Effect.map(
            run(this.#machine, call, scripts.truncate, [this.#path, this.#inode, text], "idempotent"),
            () => {
              if (!this.#appends && this.#position > BigInt(text)) this.#position = BigInt(text)
            }
          ))
    )
  }

  write(buffer: Uint8Array): Effect.Effect<Platform.Size, PlatformError> {
    return this.#call(
      "write",
      "write",
      this.#isWritable,
      (call) => Effect.as(this.#put(call, buffer), Platform.Size(buffer.length))
    )
  }

  writeAll(buffer: Uint8Array): Effect.Effect<void, PlatformError> {
    return this.#call("writeAll", "write", this.#isWritable, (call) => this.#put(call, buffer))
  }

  readonly close = Effect.sync(() => {
    this.#isClosed = true
  })

  get #appends(): boolean {
    return this.#flag.startsWith("a")
  }

  get #isReadable(): boolean {
    return this.#flag.startsWith("r") || this.#flag.endsWith("+")
  }

  get #isWritable(): boolean {
    return this.#flag !== "r"
  }

  /** One call after another, and none after the end. */
  #call<A>(
    method: string,
    syscall: string,
    isAllowed: boolean,
    use: (call: Call) => Effect.Effect<A, PlatformError>
  ): Effect.Effect<A, PlatformError> {
    const call = { method, syscall, path: this.fd }
    return this.#turn.withPermits(1)(Effect.suspend(() => {
      if (!isAllowed || this.#isClosed) return Effect.fail(errno("FileSystem", "EBADF", call))
      return this.#position < 0n ? Effect.fail(errno("FileSystem", "EINVAL", call)) : use(call)
    }))
  }

  /** Reads until the buffer is full or the file ends. */
  #fill(call: Call, buffer: Uint8Array, filled: number): Effect.Effect<Platform.Size, PlatformError> {
    if (filled === buffer.length) return Effect.succeed(Platform.Size(filled))
    const file = { path: this.#path, inode: this.#inode }
    return Effect.flatMap(
      contents.readPart(this.#machine, call, file, this.#position, buffer.length - filled),
      (bytes) => {
        buffer.set(bytes, filled)
        this.#position += BigInt(bytes.length)
        return bytes.length === 0
          ? Effect.succeed(Platform.Size(filled))
          : this.#fill(call, buffer, filled + bytes.length)
      }
    )
  }

  #put(call: Call, bytes: Uint8Array): Effect.Effect<void, PlatformError> {
    if (bytes.length === 0) return Effect.void
    const at = this.#appends ? "" : String(this.#position)
    return Effect.map(
      contents.send(this.#machine, call, scripts.write, [this.#path, this.#inode, at], bytes),
      () => {
        if (!this.#appends) this.#position += BigInt(bytes.length)
      }
    )
  }
}

/** The flag as the scripts know it. */
export const scriptFlag = (method: string, flag: Platform.OpenFlag): Effect.Effect<string, PlatformError> =>
  /^(r|[wa]x?)\+?$/.test(flag)
    ? Effect.succeed(flag.startsWith("r") ? flag : flag.replace("+", ""))
    : Effect.fail(badArgument({
      module: "FileSystem",
      method,
      description: `flag: expected r, w or a, then perhaps x and +, given ${flag}`
    }))

/** Mode in octal; empty where there is none. */
export const octal = (mode: number | undefined): string => mode === undefined ? "" : (mode & 0o7777).toString(8)

export const open = (
  machine: Machine,
  method: string,
  path: string,
  { flag = "r", mode }: Platform.OpenFileOptions = {}
): Effect.Effect<OpenFile, PlatformError, Scope.Scope> => {
  const file = absolute(machine, path)
  const call = { method, syscall: "open", path }
  const isSafe = flag === "r" || flag === "r+"
  return Effect.gen(function*() {
    const args = [file, yield* scriptFlag(method, flag), octal(mode)]
    const inode = yield* run(machine, call, scripts.open, args, isSafe ? "safe" : "unsafe")
    const opened = new OpenFile(machine, file, inode, flag)
    yield* Effect.addFinalizer(() => opened.close)
    return opened
  })
}
