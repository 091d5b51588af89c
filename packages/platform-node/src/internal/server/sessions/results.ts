/** Results of a run, as the agent sends them and as clients get them. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { maxJson, parseJson } from "../../agentWire/frames.js"

/** MIME types of one result; the agent sends no more. A schema of each member would cost seconds. */
const maxTypes = 257

export const Bundle = Schema.declare((value): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length <= maxTypes
)

export const toItem = ({ isMainResult, ...data }: Readonly<Record<string, unknown>>) => ({
  data,
  isMainResult: isMainResult === true
})

const decodeBundle = Schema.decodeUnknownEither(Bundle)

/** A result of a streamed run, from its JSON. */
export const decodeResult = (body: Uint8Array): Either.Either<typeof Bundle.Type, unknown> =>
  Either.flatMap(
    Either.try(() => parseJson(Buffer.from(body.buffer, body.byteOffset, body.length), maxJson)),
    decodeBundle
  )
