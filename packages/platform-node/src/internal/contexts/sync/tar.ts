/**
 * Reads and writes tar archives: headers by the `tar` package, and what it leaves out, which is pax attributes of any name, long
 * names and links of GNU tar, and sparse files in all four forms.
 */
import { Header } from "tar/header"
import { Pax } from "tar/pax"

export const block = 512

/** Reads up to `length` bytes of the archive. */
export type ReadAt = (at: number, length: number) => Promise<Buffer>

/** A run of bytes of a member's content, which is zero elsewhere. */
interface Piece {
  readonly at: number
  readonly length: number
  /** In the archive. */
  readonly offset: number
}

export interface Member {
  /** Relative; as it is in the archive but for leading dots and slashes. */
  readonly path: string
  /** Undefined for what is no regular file: directories, symbolic links, devices. */
  readonly content: { readonly size: number; readonly pieces: ReadonlyArray<Piece> } | undefined
  readonly mode: number
  /** Path of the member that it is a hard link to. */
  readonly link: string | undefined
  /** Why a file cannot be extracted. */
  readonly problem: string | undefined
  /** Its bytes in the archive, with all its headers. */
  readonly start: number
  readonly end: number
}

export interface Archive {
  readonly members: ReadonlyArray<Member>
  /** Why the rest of the archive could not be read. */
  readonly problem: string | undefined
}

/** Padding of a content to full blocks. */
export const padding = (size: number): Buffer => Buffer.alloc((block - size % block) % block)

export const end = (): Buffer => Buffer.alloc(2 * block)

/** The header of a regular file, after one of pax attributes where the name or the size needs it. */
export const entry = (path: string, size: number, mode: number, seconds: number): Buffer => {
  const mtime = new Date(seconds * 1000)
  const header = new Header({ path, size, mode, uid: 0, gid: 0, mtime, type: "File" })
  const needsPax = header.encode() || Buffer.byteLength(path) >= 100
  const own = header.block ?? Buffer.alloc(block)
  return needsPax ? Buffer.concat([new Pax({ path, size, mtime }).encode(), own]) : own
}

const maxMembers = 100_000
const maxAttributeBytes = 1024 * 1024
const maxSparseBytes = 2 ** 40

/** A reason why the archive cannot be read on. */
class Unreadable extends Error {}

type Attributes = ReadonlyMap<string, ReadonlyArray<string>>

/** The records of a pax header; values may contain anything, line ends too. */
export const attributesOf = (bytes: Buffer): Attributes => {
  const found = new Map<string, Array<string>>()
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    const space = bytes.indexOf(32, at)
    const length = Number(bytes.toString("latin1", at, space))
    const equals = bytes.indexOf(61, space)
    if (space === -1 || equals === -1 || !Number.isSafeInteger(length) || length <= 0 || at + length > bytes.length) {
      throw new Unreadable("a pax header of it is damaged")
    }
    const key = bytes.toString("utf8", space + 1, equals)
    const value = bytes.toString("utf8", equals + 1, at + length - 1)
    found.set(key, [...found.get(key) ?? [], value])
    at += length
  }
  return found
}

/** Octal, or base 256 with the first bit set. */
const numberAt = (bytes: Buffer, at: number): number => {
  const field = bytes.subarray(at, at + 12)
  if ((field[0] ?? 0) & 0x80) return field.subarray(4).reduce((value, byte) => value * 256 + byte, 0)
  return Number.parseInt(field.toString("latin1").replace(/\0.*$/s, "").trim(), 8) || 0
}

const isCount = (value: number | undefined): value is number => Number.isSafeInteger(value) && (value ?? -1) >= 0

const headerAt = (bytes: Buffer): Header | undefined => {
  try {
    const header = new Header(bytes)
    return header.nullBlock || header.cksumValid && isCount(header.size) ? header : undefined
  } catch {
    return undefined
  }
}

const whole = (bytes: Buffer, length: number): Buffer => {
  if (bytes.length < length) throw new Unreadable("it is cut off")
  return bytes
}

/** What extension headers say about the member after them. */
class Extensions {
  path: string | undefined
  link: string | undefined
  attributes: Attributes = new Map()

  attribute(name: string): string | undefined {
    return this.attributes.get(name)?.at(-1)
  }

  number(name: string): number | undefined {
    const text = this.attribute(name)
    return text === undefined ? undefined : Number(text)
  }
}

type Segment = readonly [at: number, length: number]

const pairs = (numbers: ReadonlyArray<number>): ReadonlyArray<Segment> =>
  numbers.flatMap((at, index): ReadonlyArray<Segment> => index % 2 === 0 ? [[at, numbers[index + 1] ?? NaN]] : [])

interface Layout {
  readonly size: number
  readonly segments: ReadonlyArray<Segment>
  /** Where the content begins, behind a map of the segments. */
  readonly offset: number
}

const oldSparseLayout = async (read: ReadAt, head: Buffer, offset: number): Promise<Layout> => {
  const numbers: Array<number> = []
  const add = (bytes: Buffer, from: number, count: number) => {
    for (let n = 0; n < 2 * count; n++) numbers.push(numberAt(bytes, from + 12 * n))
  }
  add(head, 386, 4)
  let at = offset
  for (let more = head[482]; more !== 0; at += block) {
    const extension = whole(await read(at, block), block)
    add(extension, 0, 21)
    more = extension[504]
  }
  return { size: numberAt(head, 483), segments: pairs(numbers).filter(([, length]) => length > 0), offset: at }
}

/** The map of GNU.sparse 1.0: decimal lines before the content, in full blocks. */
const mappedLayout = async (read: ReadAt, size: number, offset: number): Promise<Layout> => {
  const numbers: Array<number> = []
  let rest = ""
  let at = offset
  const wanted = () => numbers.length === 0 ? 1 : 2 * (numbers[0] ?? 0) + 1
  while (numbers.length < wanted()) {
    const lines = (rest + whole(await read(at, block), block).toString("latin1")).split("\n")
    rest = lines.pop() ?? ""
    numbers.push(...lines.map(Number))
    at += block
    const isDamaged = numbers.some((number) => !isCount(number)) || numbers.length < wanted() && rest.length > 20
    if (isDamaged || wanted() > 2 * maxMembers) return { size: NaN, segments: [], offset: at }
  }
  return { size, segments: pairs(numbers.slice(1, wanted())), offset: at }
}

const layoutOf = async (
  read: ReadAt,
  head: Buffer,
  header: Header,
  extensions: Extensions,
  offset: number
): Promise<Layout> => {
  if (header.typeKey === "S") return oldSparseLayout(read, head, offset)
  const size = extensions.number("GNU.sparse.realsize") ?? extensions.number("GNU.sparse.size")
  if (size === undefined) {
    const stored = extensions.number("size") ?? header.size ?? 0
    return { size: stored, segments: [[0, stored]], offset }
  }
  if (extensions.number("GNU.sparse.major") === 1) return mappedLayout(read, size, offset)
  const map = extensions.attribute("GNU.sparse.map")
  if (map !== undefined) return { size, segments: pairs(map.split(",").map(Number)), offset }
  const [at = [], length = []] = ["offset", "numbytes"].map((name) => extensions.attributes.get(`GNU.sparse.${name}`))
  return { size, segments: at.map((text, index) => [Number(text), Number(length[index])]), offset }
}

const contentOf = ({ offset, segments, size }: Layout, end: number): Member["content"] => {
  const pieces: Array<Piece> = []
  let [from, last] = [offset, 0]
  for (const [at, length] of segments) {
    if (!isCount(at) || !isCount(length) || at < last || at + length > size) return undefined
    pieces.push({ at, length, offset: from })
    from += length
    last = at + length
  }
  return from <= end && isCount(size) && size <= maxSparseBytes ? { size, pieces } : undefined
}

const tidyName = (name: string): string => name.replace(/^(\.?\/)+/, "").replace(/^\.$/, "")

const fileTypes = new Set(["0", "", "7", "S"])
const bodyless = new Set(["1", "2", "3", "4", "5", "6"])
const silent = new Set(["2", "3", "4", "5", "6", "D", "V"])

class Reader {
  readonly #read: ReadAt
  readonly #size: number
  readonly #files = new Map<string, NonNullable<Member["content"]>>()
  readonly members: Array<Member> = []

  constructor(read: ReadAt, size: number) {
    this.#read = read
    this.#size = size
  }

  async readAll(): Promise<void> {
    let [at, start, extensions] = [0, 0, new Extensions()]
    for (;;) {
      if (this.members.length >= maxMembers) throw new Unreadable(`it has more than ${maxMembers} members`)
      const head = await this.#read(at, block)
      // Some programs write no end mark.
      if (head.length === 0 && at > 0 && start === at) return
      const header = headerAt(head)
      if (header === undefined && at === 0) throw new Unreadable(notTar(head))
      if (header === undefined) {
        throw new Unreadable(head.length < block ? "it is cut off" : "a header in it is damaged")
      }
      if (header.nullBlock) return
      const offset = at + block
      if (await this.#extend(header, extensions, offset)) {
        at = this.#after(offset, header.size ?? 0)
        continue
      }
      at = await this.#add({ head, header, extensions, start, offset })
      start = at
      extensions = new Extensions()
    }
  }

  /** Reads a header that says something about the next one. */
  async #extend({ size = 0, typeKey }: Header, extensions: Extensions, offset: number): Promise<boolean> {
    if (!["x", "X", "L", "N", "K", "g"].includes(typeKey)) return false
    if (size > maxAttributeBytes) throw new Unreadable("a header in it is too large")
    const bytes = whole(await this.#read(offset, size), size)
    const text = () => bytes.toString("utf8").replace(/\0.*$/s, "")
    if (typeKey === "L" || typeKey === "N") extensions.path = text()
    else if (typeKey === "K") extensions.link = text()
    else if (typeKey !== "g") extensions.attributes = attributesOf(bytes)
    return true
  }

  #after(offset: number, size: number): number {
    const end = offset + size + padding(size).length
    if (offset + size > this.#size) throw new Unreadable("it is cut off")
    return end
  }

  async #add({ extensions, head, header, offset, start }: Head): Promise<number> {
    const type = header.typeKey
    const path = tidyName(
      extensions.attribute("GNU.sparse.name") ?? extensions.attribute("path") ?? extensions.path ?? header.path ?? ""
    )
    const stored = bodyless.has(type) ? 0 : extensions.number("size") ?? header.size ?? 0
    if (!isCount(stored)) throw new Unreadable("a header in it is damaged")
    const layout = fileTypes.has(type) ? await layoutOf(this.#read, head, header, extensions, offset) : undefined
    // The map of an old sparse file is not part of its size.
    const data = type === "S" ? layout?.offset ?? offset : offset
    if (data + stored > this.#size) throw new Unreadable(`it is cut off in ${path}`)
    const end = this.#after(data, stored)
    const link = type === "1"
      ? tidyName(extensions.attribute("linkpath") ?? extensions.link ?? header.linkpath ?? "")
      : undefined
    const content = link === undefined
      ? layout && contentOf(layout, data + stored)
      : this.#files.get(link)
    this.#files.delete(path)
    if (content !== undefined) this.#files.set(path, content)
    const problem = problemOf(path, type, link, content)
    this.members.push({ path, content, link, problem, mode: (header.mode ?? 0o644) & 0o777, start, end })
    return end
  }
}

interface Head {
  readonly head: Buffer
  readonly header: Header
  readonly extensions: Extensions
  readonly start: number
  readonly offset: number
}

const notTar = (head: Buffer): string =>
  head[0] === 0x1f && head[1] === 0x8b
    ? "it is compressed (gzip), only plain tar archives are unpacked"
    : "it is no tar archive, or a compressed one"

const problemOf = (
  path: string,
  type: string,
  link: string | undefined,
  content: Member["content"]
): string | undefined => {
  if (silent.has(type)) return undefined
  if (path.includes("\ufffd")) return "its name is not valid UTF-8"
  if (content !== undefined) return undefined
  if (link !== undefined) return `it is a hard link to ${link}, which is no file in the archive`
  return fileTypes.has(type) ? "its map of a sparse file is damaged" : `members of type ${type} are not supported`
}

/** Reads what an archive holds, as far as it can be read. */
export const readArchive = async (read: ReadAt, size: number): Promise<Archive> => {
  const reader = new Reader(read, size)
  try {
    await reader.readAll()
    return { members: reader.members, problem: undefined }
  } catch (error) {
    if (error instanceof Unreadable) return { members: reader.members, problem: error.message }
    throw error
  }
}

/** Reads a part of a member's content. */
export const readContent = async (
  read: ReadAt,
  { pieces, size }: NonNullable<Member["content"]>,
  from: number,
  most: number
): Promise<Buffer> => {
  const length = Math.max(0, Math.min(most, size - from))
  const bytes = Buffer.alloc(length)
  for (const piece of pieces) {
    const [start, end] = [Math.max(from, piece.at), Math.min(from + length, piece.at + piece.length)]
    if (start < end) (await read(piece.offset + start - piece.at, end - start)).copy(bytes, start - from)
  }
  return bytes
}
