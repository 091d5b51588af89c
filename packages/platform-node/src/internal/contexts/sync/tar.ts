/** The part of the tar format that is needed to write regular files, and to read archives of other programs. */

export const block = 512

const field = (header: Buffer, text: string, at: number, length: number) => header.write(text, at, length, "latin1")

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`

const header = (name: Buffer, size: number, mode: number, seconds: number, type: string): Buffer => {
  const bytes = Buffer.alloc(block)
  name.copy(bytes, 0, 0, 100)
  field(bytes, octal(mode, 7), 100, 8)
  field(bytes, octal(0, 7), 108, 8)
  field(bytes, octal(0, 7), 116, 8)
  field(bytes, octal(size, 11), 124, 12)
  field(bytes, octal(seconds, 11), 136, 12)
  field(bytes, " ".repeat(8), 148, 8)
  field(bytes, type, 156, 1)
  field(bytes, "ustar  \0", 257, 8)
  field(bytes, `${octal(bytes.reduce((sum, byte) => sum + byte, 0), 6)} `, 148, 8)
  return bytes
}

/** Padding of a content to full blocks. */
export const padding = (size: number): Buffer => Buffer.alloc((block - size % block) % block)

export const end = (): Buffer => Buffer.alloc(2 * block)

/** The header of a file; a long name has a header of its own before it (GNU format). */
export const entry = (path: string, size: number, mode: number, seconds: number): Buffer => {
  const name = Buffer.from(path)
  const own = header(name, size, mode, seconds, "0")
  if (name.length <= 100) return own
  const long = Buffer.concat([name, Buffer.alloc(1)])
  const before = header(Buffer.from("././@LongLink"), long.length, 0o644, 0, "L")
  return Buffer.concat([before, long, padding(long.length), own])
}

export interface TarHeader {
  readonly name: string
  readonly size: number
  readonly mode: number
  readonly type: "file" | "long name" | "attributes" | "other"
}

const types: Readonly<Record<string, TarHeader["type"]>> = {
  "0": "file",
  "\0": "file",
  L: "long name",
  x: "attributes"
}

const textAt = (bytes: Buffer, at: number, length: number): string => {
  const part = bytes.subarray(at, at + length)
  const zero = part.indexOf(0)
  return part.toString("utf8", 0, zero === -1 ? length : zero)
}

/** Undefined at the end of the archive and for an invalid header. */
export const readHeader = (bytes: Buffer): TarHeader | undefined => {
  const size = Number.parseInt(textAt(bytes, 124, 12).trim(), 8)
  const sum = Number.parseInt(textAt(bytes, 148, 8).trim(), 8)
  const actual = bytes.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
  if (bytes.length < block || sum !== actual || !Number.isSafeInteger(size) || size < 0) return undefined
  const prefix = bytes.toString("latin1", 257, 263) === "ustar\0" ? textAt(bytes, 345, 155) : ""
  const name = textAt(bytes, 0, 100)
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size,
    mode: Number.parseInt(textAt(bytes, 100, 8), 8) & 0o777,
    type: types[bytes.toString("latin1", 156, 157)] ?? "other"
  }
}

/** The path in a pax extended header. */
export const pathAttribute = (attributes: Buffer): string | undefined => {
  for (let at = 0; at < attributes.length;) {
    const space = attributes.indexOf(32, at)
    const length = Number(attributes.toString("latin1", at, space))
    if (space === -1 || !Number.isSafeInteger(length) || length <= 0) return undefined
    const [key, value] = attributes.toString("utf8", space + 1, at + length - 1).split(/=(.*)/s)
    if (key === "path") return value
    at += length
  }
  return undefined
}
