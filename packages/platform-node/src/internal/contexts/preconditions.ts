/** Preconditions of requests (RFC 9110, 13), and digests of bodies. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Crypto from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import type { StoredFile } from "./store/contextFiles.js"

export const etagOf = ({ blob }: StoredFile): string => `"${blob.toUpperCase()}"`

export const validatorsOf = (file: StoredFile) => ({
  etag: etagOf(file),
  "last-modified": new Date(file.modified).toUTCString()
})

/** Whether a list of entity tags has that of the file; a weak tag only where `isWeak`. */
const lists = (header: string, file: StoredFile | undefined, isWeak: boolean): boolean => {
  if (file === undefined) return false
  if (header.trim() === "*") return true
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [header.trim()]
  const own = etagOf(file)
  return tags.some((tag) => tag === own || isWeak && tag === `W/${own}`)
}

/** HTTP dates have whole seconds. */
const seconds = (millis: number): number => Math.floor(millis / 1000) * 1000

/** A date that is none is ignored. */
const dateOf = (header: string | undefined): number | undefined => {
  const millis = Date.parse(header ?? "")
  return Number.isNaN(millis) ? undefined : millis
}

/** Evaluates the preconditions in the order of RFC 9110, 13.2.2. */
export const permits = (
  headers: IncomingHttpHeaders,
  file: StoredFile | undefined,
  method: "GET" | "PUT"
): "allowed" | "failed" | "not modified" => {
  const noneMatch = headers["if-none-match"]
  const unmodified = dateOf(headers["if-unmodified-since"])
  const modified = dateOf(headers["if-modified-since"])
  const stored = file === undefined ? undefined : seconds(file.modified)
  if (headers["if-match"] !== undefined) {
    if (!lists(headers["if-match"], file, false)) return "failed"
  } else if (unmodified !== undefined && stored !== undefined && stored > unmodified) return "failed"
  if (noneMatch !== undefined) {
    if (lists(noneMatch, file, true)) return method === "GET" ? "not modified" : "failed"
  } else if (method === "GET" && modified !== undefined && stored !== undefined && stored <= modified) {
    return "not modified"
  }
  return "allowed"
}

/** Whether a range may be taken of this version; otherwise the whole file is sent. */
export const honoursRange = (headers: IncomingHttpHeaders, file: StoredFile): boolean => {
  const header = headers["if-range"]
  // A date is no strong validator: a file may be stored twice in a second.
  return header === undefined || String(header).trim() === etagOf(file)
}

const badDigest = new ApiError({
  status: 400,
  code: "BadDigest",
  message: "the content is not what its digest says: it was damaged on its way"
})

const invalidDigest = new ApiError({
  status: 400,
  code: "InvalidDigest",
  message: "Content-MD5 must be 16 bytes, and a digest of sha-256 32 bytes, in Base64"
})

/** RFC 9530 and its forerunner, RFC 3230; other algorithms are ignored. */
const sha256In = (headers: IncomingHttpHeaders): string | undefined => {
  const fields = ["content-digest", "repr-digest", "digest"].map((name) => String(headers[name] ?? ""))
  const [, value] = /(?:^|[\s,])sha-256=:?([^:,\s]*):?/i.exec(fields.join(",")) ?? []
  return value
}

interface Digest {
  readonly update: (bytes: Uint8Array) => void
  readonly verify: () => void
}

/** Checks the digests that came with a body; undefined where there are none. */
export const expectedDigest = (headers: IncomingHttpHeaders): Digest | undefined => {
  const md5 = headers["content-md5"]
  const wanted = [["md5", 16, md5 === undefined ? undefined : String(md5)], ["sha256", 32, sha256In(headers)]] as const
  const checks = wanted.flatMap(([algorithm, length, text]) => {
    if (text === undefined) return []
    const expected = Buffer.from(text, "base64")
    if (expected.length !== length || !/^[A-Za-z0-9+/]+=*$/.test(text.trim())) throw invalidDigest
    return [{ expected, hash: Crypto.createHash(algorithm) }]
  })
  if (checks.length === 0) return undefined
  return {
    update: (bytes) => checks.forEach(({ hash }) => hash.update(bytes)),
    verify: () => {
      if (checks.some(({ expected, hash }) => !hash.digest().equals(expected))) throw badDigest
    }
  }
}
