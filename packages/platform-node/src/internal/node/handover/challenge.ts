/**
 * The proof that client and server are processes of one user on one machine. The client writes a secret into a file that only its
 * user can read; the server reads it there, and signs with it what it hands over. Nothing else of the file travels, and what is no
 * such file is not read: who cannot write files for this user learns nothing from the answer.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const { O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

const secretBytes = 32

const pattern = /^\/(?:[^\0]{0,4000}\/)?\.agb-proof-[0-9a-f]{32}$/

export interface Challenge {
  readonly path: string
  readonly secret: Buffer
}

/** May throw where the folder for temporary files cannot be written to. */
export const makeChallenge = (): Challenge => {
  const path = join(tmpdir(), `.agb-proof-${randomBytes(16).toString("hex")}`)
  const challenge = { path, secret: randomBytes(secretBytes) }
  try {
    writeFileSync(path, challenge.secret, { flag: "wx", mode: 0o600 })
    return challenge
  } catch (error) {
    removeChallenge(path)
    throw error
  }
}

export const removeChallenge = (path: string): void => {
  try {
    unlinkSync(path)
  } catch {
    // Something else has tidied up.
  }
}

const isSecret = (fd: number): boolean => {
  const { mode, nlink, size, uid } = fstatSync(fd)
  const isPlain = (mode & constants.S_IFMT) === constants.S_IFREG && nlink === 1 && size === secretBytes
  return isPlain && uid === process.geteuid?.() && (mode & 0o7777) === 0o600
}

/** The secret of a challenge; undefined for what is none. */
export const readChallenge = (path: string): Buffer | undefined => {
  if (!pattern.test(path)) return undefined
  let fd: number | undefined
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    const secret = Buffer.alloc(secretBytes)
    return isSecret(fd) && readSync(fd, secret) === secretBytes ? secret : undefined
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** A signature over texts, none of which can pass for another. */
export const sign = (secret: Buffer, ...texts: ReadonlyArray<string>): string =>
  createHmac("sha256", secret).update(JSON.stringify(texts)).digest("hex")

/** Compares in constant time. */
export const isSigned = (signature: string, secret: Buffer, ...texts: ReadonlyArray<string>): boolean => {
  const [expected, given] = [Buffer.from(sign(secret, ...texts)), Buffer.from(signature)]
  return given.length === expected.length && timingSafeEqual(expected, given)
}
