/**
 * Files of one session that its clients read and write themselves. This process holds each open until the client has it, or has
 * written it, and for a limited time.
 */
import type { ApiError } from "@effect-agb/core/AgbServer"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberId from "effect/FiberId"
import * as Schema from "effect/Schema"
import { closeSync, fstatSync } from "node:fs"
import type { CallError } from "../../sandbox/channel/connection.js"
import { type FileWrite, type SandboxAnswer, SandboxFailure } from "../../sandbox/channel/protocol.js"
import type { OfferedFile } from "../../sandbox/process/offeredFile.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { apiError } from "../http/originCheck.js"
import { type CallFailure, callFailure, decodeAnswer } from "./agentCall.js"

/** Each is a descriptor of this process. */
const maxFiles = 64

/** How long a client has to open what it reads, in milliseconds: unless very many follow. */
const openingMs = 10_000

/** A file to which nothing is written for this long is given up, in milliseconds. */
const stallMs = 60_000

const Written = Schema.Struct({ bytesWritten: Schema.NonNegativeInt })

const stalled = apiError(408, "RequestTimeout", "the content did not go on")

const notWritten = apiError(409, "File.NotWritten", "the client has given it up")

/** How far a file has been written. */
const progressOf = ({ fd }: OfferedFile): string => {
  const { mtimeNs, size } = fstatSync(fd, { bigint: true })
  return `${size} ${mtimeNs}`
}

/** A file that a client writes. */
export interface HandedFile {
  readonly id: string
  readonly file: OfferedFile
}

type Failure = CallFailure | ApiError

interface Writing {
  readonly giveUp: Effect.Effect<void>
  readonly abandon: () => void
  readonly commit: (bytes: number) => Effect.Effect<number, Failure>
}

export class HandedFiles {
  readonly #reading = new Set<() => void>()
  readonly #writing = new Map<string, Writing>()
  readonly #sandbox: Sandbox

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox
  }

  /** Whether no more can be written. */
  get isFull(): boolean {
    return this.#writing.size >= maxFiles
  }

  /** The most bytes that a file may have. */
  get limit(): number {
    return this.#sandbox.largestFile
  }

  /** Holds what the agent offers for reading until the client can have opened it; nothing if that cannot be handed over. */
  reading(fd: number): OfferedFile | undefined {
    const file = this.#sandbox.openOffered(fd)
    if (file === undefined) return undefined
    const close = () => {
      clearTimeout(timer)
      if (this.#reading.delete(close)) closeSync(file.fd)
    }
    const timer = setTimeout(close, openingMs).unref()
    this.#reading.add(close)
    const [longest] = this.#reading
    if (this.#reading.size > maxFiles) longest?.()
    return file
  }

  /**
   * Lets a client write a file, and ends once it is committed, with its size. `onOpened` is called without a file if it cannot be
   * handed over; then nothing is left of it.
   */
  writing(file: FileWrite, onOpened: (handed: HandedFile | undefined) => void): Effect.Effect<number, Failure> {
    return Effect.suspend(() => {
      const result = Deferred.unsafeMake<number, Failure>(FiberId.none)
      return Effect.async<SandboxAnswer, CallError | ApiError>((resume) => {
        const writing = this.#write(file, onOpened, result, resume)
        return Effect.sync(writing.cancel)
      }).pipe(
        Effect.mapError(callFailure),
        Effect.flatMap((answer) => decodeAnswer(this.#sandbox, "handWrite", answer, Written)),
        Effect.map(({ value }) => value.bytesWritten),
        Effect.onExit((exit) => Deferred.done(result, exit))
      )
    })
  }

  /** The client has written so many bytes. Returns the size of the file, which has its name now. */
  commit(id: string, bytes: number): Effect.Effect<number, Failure> {
    return Effect.suspend(() => this.#writing.get(id)?.commit(bytes) ?? stalled)
  }

  /** The client has given it up: nothing is left of it. */
  giveUp(id: string): Effect.Effect<void> {
    return Effect.suspend(() => this.#writing.get(id)?.giveUp ?? Effect.void)
  }

  /** The session has ended. What is being written ends with its sandbox. */
  closeAll(): void {
    for (const close of this.#reading) close()
    for (const { abandon } of this.#writing.values()) abandon()
  }

  #write(
    file: FileWrite,
    onOpened: (handed: HandedFile | undefined) => void,
    result: Deferred.Deferred<number, Failure>,
    resume: (end: Effect.Effect<SandboxAnswer, CallError | ApiError>) => void
  ): { readonly cancel: () => void } {
    const sandbox = this.#sandbox
    const id = crypto.randomUUID()
    let held: OfferedFile | undefined
    let progress = ""
    let isGivenUp = false
    const release = () => {
      clearInterval(stall)
      this.#writing.delete(id)
      if (held !== undefined) closeSync(held.fd)
      held = undefined
    }
    const abandon = (error: CallError | ApiError) => {
      cancel()
      resume(Effect.fail(error))
    }
    const writing = sandbox.handWrite(file, {
      onOffer: (fd) => {
        held = sandbox.openOffered(fd)
        onOpened(held && { id, file: held })
        if (held === undefined) abandon(notWritten)
      },
      onEnd: (end) => {
        release()
        if (Either.isRight(end)) resume(Effect.succeed(end.right))
        else resume(Effect.fail(isGivenUp ? notWritten : end.left))
      }
    })
    const cancel = () => {
      writing.cancel()
      release()
    }
    const stall = setInterval(() => {
      const before = progress
      progress = held === undefined ? before : progressOf(held)
      if (progress === before) abandon(stalled)
    }, stallMs).unref()
    const commit = (bytes: number) => {
      clearInterval(stall)
      if (held !== undefined && fstatSync(held.fd).size > sandbox.largestFile) abandon(tooLarge(file))
      else writing.commit(bytes)
      return Deferred.await(result)
    }
    const giveUp = Effect.suspend(() => {
      clearInterval(stall)
      isGivenUp = true
      writing.giveUp()
      return Effect.ignore(Deferred.await(result))
    })
    this.#writing.set(id, { giveUp, abandon: () => abandon(notWritten), commit })
    return { cancel }
  }
}

const tooLarge = ({ path }: FileWrite) => new SandboxFailure({ code: "EFBIG", message: `File too large: ${path}` })
