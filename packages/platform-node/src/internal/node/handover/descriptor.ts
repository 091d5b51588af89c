/**
 * The headers with which files are handed over. A ticket is `<nonce> key <key>`, or `<nonce> file <path of a challenge>` from a client
 * that has no key yet, and then the server answers with `x-file-key`. Both the key and the file are signed for the session, for this
 * ticket, and for the address on which the server was reached, so that no other server can pass them on as its own.
 */
import { isSigned, sign } from "./challenge.js"

export interface TicketText {
  readonly nonce: string
  readonly from: { readonly _tag: "Key"; readonly key: string } | { readonly _tag: "File"; readonly path: string }
}

const ticketPattern = /^([0-9a-f]{32}) (?:key ([0-9a-f]{32})|file ([\w%.~!'()*-]{1,12000}))$/

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

export const encodeTicket = ({ from, nonce }: TicketText): string =>
  from._tag === "Key" ? `${nonce} key ${from.key}` : `${nonce} file ${encodeURIComponent(from.path)}`

export const decodeTicket = (text: string): TicketText | undefined => {
  const [, nonce = "", key, file] = ticketPattern.exec(text) ?? []
  if (key !== undefined) return { nonce, from: { _tag: "Key", key } }
  const path = file === undefined ? undefined : decoded(file)
  return path === undefined ? undefined : { nonce, from: { _tag: "File", path } }
}

/** In place of a key: the server does not know the one of the ticket. */
export const unknownKey = "unknown"

/** What a signature is for, beside its subject. */
export interface Occasion {
  readonly secret: Buffer
  /** Address and port of the server. */
  readonly authority: string
  readonly sessionId: string
  readonly nonce: string
}

const textsOf = ({ authority, nonce, sessionId }: Occasion) => [authority, sessionId, nonce]

export const encodeKey = (occasion: Occasion, key: string): string =>
  `${key} ${sign(occasion.secret, "key", ...textsOf(occasion), key)}`

/** The key, if the server has signed it. */
export const decodeKey = (occasion: Occasion, text: string): string | undefined => {
  const [, key = "", signature = ""] = /^([0-9a-f]{32}) ([0-9a-f]{64})$/.exec(text) ?? []
  return key !== "" && isSigned(signature, occasion.secret, "key", ...textsOf(occasion), key) ? key : undefined
}

/** An open file of the server. */
export interface DescriptorText {
  readonly pid: number
  readonly fd: number
  readonly device: bigint
  readonly inode: bigint
  /** The most bytes that it may have. */
  readonly limit: number
}

const descriptorPattern = /^(\d{1,10}) (\d{1,10}) (\d{1,20}) (\d{1,20}) (\d{1,16}) ([0-9a-f]{64})$/

const partsOf = ({ device, fd, inode, limit, pid }: DescriptorText) => [pid, fd, device, inode, limit].map(String)

export const encodeDescriptor = (occasion: Occasion, descriptor: DescriptorText): string => {
  const parts = partsOf(descriptor)
  return [...parts, sign(occasion.secret, "file", ...textsOf(occasion), ...parts)].join(" ")
}

/** The file, if the server has signed it. */
export const decodeDescriptor = (occasion: Occasion, text: string): DescriptorText | undefined => {
  const [, pid = "", fd = "", device = "", inode = "", limit = "", signature = ""] = descriptorPattern.exec(text) ?? []
  if (!isSigned(signature, occasion.secret, "file", ...textsOf(occasion), pid, fd, device, inode, limit)) {
    return undefined
  }
  return { pid: Number(pid), fd: Number(fd), device: BigInt(device), inode: BigInt(inode), limit: Number(limit) }
}
