/** Output as text: decoded as one text, in whatever pieces it comes. */
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { badArgument } from "../platformError.js"

export const decoderOf = (method: string, encoding: string): Effect.Effect<TextDecoder, PlatformError> =>
  Effect.try({
    try: () => new TextDecoder(encoding),
    catch: (cause) => badArgument({ module: "Command", method, description: `unknown encoding: ${encoding}`, cause })
  })

/** Lines without their ends. */
export const linesOf = (
  method: string,
  encoding: string,
  bytes: Stream.Stream<Uint8Array, PlatformError>
): Stream.Stream<string, PlatformError> =>
  Stream.unwrap(Effect.map(decoderOf(method, encoding), (decoder) => {
    const texts = Stream.map(bytes, (piece) => decoder.decode(piece, { stream: true }))
    return Stream.splitLines(Stream.concat(texts, Stream.sync(() => decoder.decode())))
  }))
