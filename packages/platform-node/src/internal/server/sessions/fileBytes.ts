/** The bytes of a session's files, between HTTP and the sandbox: each piece is passed on as it comes. */
import type { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { IncomingMessage, ServerResponse } from "node:http"
import { releaseBuffer } from "../../node/releaseBuffer.js"
import type { CallError } from "../../sandbox/channel/connection.js"
import type { FileReader } from "../../sandbox/channel/fileStreams.js"
import type { FileHead, FileRange, FileWrite, SandboxAnswer } from "../../sandbox/channel/protocol.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { apiError } from "../http/originCheck.js"
import { countSandboxTime } from "../http/requestContext.js"
import { type CallFailure, callFailure, decodeAnswer } from "./agentCall.js"

const Written = Schema.Struct({ bytesWritten: Schema.NonNegativeInt })

const incomplete = apiError(400, "IncompleteBody", "the content ended before its time")

const stalled = apiError(408, "RequestTimeout", "the content did not go on")

/** Content of which nothing more comes for this long is not waited for, in milliseconds. */
const stallMs = 60_000

/** The content of a request as a file. Returns how many bytes it has. */
export const writeFile = (
  sandbox: Sandbox,
  file: FileWrite,
  request: IncomingMessage
): Effect.Effect<number, CallFailure | ApiError> =>
  Effect.async<SandboxAnswer, CallError | ApiError>((resume) => {
    const stall = setTimeout(() => request.isPaused() ? stall.refresh() : fail(stalled), stallMs)
    const onData = (bytes: Buffer) => {
      stall.refresh()
      if (!writing.send(bytes, () => releaseBuffer(bytes))) request.pause()
    }
    const onEnd = () => {
      stop()
      writing.end()
    }
    const onClose = () => fail(incomplete)
    const stop = () => {
      clearTimeout(stall)
      request.off("data", onData).off("end", onEnd).off("close", onClose)
    }
    const fail = (error: ApiError) => {
      stop()
      writing.cancel()
      resume(error)
    }
    const writing = sandbox.writeFile(file, {
      onRoom: () => {
        stall.refresh()
        request.resume()
      },
      onEnd: (end) => {
        stop()
        resume(end)
      }
    })
    request.on("data", onData).on("end", onEnd).on("close", onClose)
    return Effect.sync(() => {
      stop()
      writing.cancel()
    })
  }).pipe(
    countSandboxTime,
    Effect.mapError(callFailure),
    Effect.flatMap((answer) => decodeAnswer(sandbox, "streamWrite", answer, Written)),
    Effect.map(({ value }) => value.bytesWritten)
  )

/** A range of a file as the content of a reply, which is cut off where the file fails later. */
export const readFile = (
  sandbox: Sandbox,
  range: FileRange,
  response: ServerResponse,
  headersOf: (head: FileHead, length: number) => Readonly<Record<string, string | number>>,
  handOver?: FileReader["handOver"]
): Effect.Effect<void, CallFailure> =>
  Effect.async<SandboxAnswer, CallError>((resume) => {
    const send = (bytes: Uint8Array) =>
      response.write(bytes, () => {
        reading.consumed(bytes.length)
        releaseBuffer(bytes)
      })
    const reading = sandbox.readFile(range, {
      handOver,
      onHead: (head, length) => void response.writeHead(200, headersOf(head, length)),
      onData: (bytes) => void send(bytes),
      onEnd: (end) => Either.isRight(end) ? void response.end(() => resume(end)) : resume(end)
    })
    return Effect.sync(reading.cancel)
  }).pipe(
    countSandboxTime,
    Effect.mapError(callFailure),
    Effect.flatMap((answer) => decodeAnswer(sandbox, "streamRead", answer, Schema.Null)),
    Effect.asVoid
  )
