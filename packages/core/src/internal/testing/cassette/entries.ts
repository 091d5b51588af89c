/** The kinds of entries of a cassette. */
import type { CassetteEntry } from "./model.js"

export type Call = Extract<CassetteEntry, { readonly _tag: "Call" }>

export type Transfer = Extract<CassetteEntry, { readonly _tag: "Transfer" }>

export type Run = Extract<CassetteEntry, { readonly _tag: "Run" }>

export type Content = NonNullable<Transfer["request"]["body"]>

export const sizeOf = (content: Content | undefined): number =>
  content !== undefined && "text" in content ? new TextEncoder().encode(content.text).length : 0

const grown = (text: string, field: RegExp, bytes: number): string =>
  text.replace(field, (_all, name: string, size: string) => `${name}${Number(size) + bytes}`)

/**
 * After secrets in a file were replaced, its size is that of what stands in their place: that of the reply to a read, and that which
 * the reply to a write confirms.
 */
export const withSizes = (before: Transfer, after: Transfer): Transfer => {
  if ("failure" in after.reply || "failure" in before.reply) return after
  const { body, headers, status } = after.reply
  const received = sizeOf(body) - sizeOf(before.reply.body)
  const sent = sizeOf(after.request.body) - sizeOf(before.request.body)
  const size = headers["x-file-size"]
  return {
    ...after,
    reply: {
      status,
      headers: size === undefined ? headers : { ...headers, "x-file-size": String(Number(size) + received) },
      body: sent !== 0 && "text" in body ? { text: grown(body.text, /("bytesWritten":)(\d+)/, sent) } : body
    }
  }
}
