/** Contents of files in a cassette: text where it is UTF-8, so that it can be read. */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { decodeBody } from "../../client/transport/exchange.js"
import type { Content } from "./entries.js"

const same = (text: string, bytes: Uint8Array): boolean => new TextEncoder().encode(text).length === bytes.length

export const ofBytes = (bytes: Uint8Array): Content => {
  const { body, isInvalidUtf8 = false } = decodeBody(bytes)
  return isInvalidUtf8 || !same(body, bytes) ? { base64: Encoding.encodeBase64(bytes) } : { text: body }
}

export const toBytes = (content: Content): Uint8Array =>
  "text" in content
    ? new TextEncoder().encode(content.text)
    : Either.getOrElse(Encoding.decodeBase64(content.base64), () => new Uint8Array())
