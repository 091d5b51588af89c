/**
 * One file of a journal: the sessions that a program has at an account, without the key of the account. An HMAC with a key that
 * is derived from that key says that the file is of this account and that nobody has changed it.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Account, Kind } from "../messages.js"

export type AllIds = Readonly<Record<Kind, ReadonlyArray<string>>>

/** What a file says. */
export interface Contents {
  readonly endpoint: string
  /** The program whose sessions these are, and the guardian that writes the file; empty where they have no identity. */
  readonly program: string
  readonly guardian: string
  /** Common to the guardians that replaced each other in a program. */
  readonly lineage: string
  readonly ids: AllIds
  /** Left behind by earlier programs. */
  readonly inherited: AllIds
}

/** More are not written down: a file stays below 2 MiB. */
export const maxIds = 10_000

const maxBytes = 4 * 1024 * 1024

/** How many files of a directory are looked at. */
const maxFiles = 1000

const keyOf = ({ apiKey }: Account): Buffer =>
  createHmac("sha256", apiKey).update("@effect-agb/platform-node: journals, version 1").digest()

/** Names an account without telling its key. */
const accountId = (account: Account): string =>
  createHmac("sha256", keyOf(account)).update(`account\n${account.endpoint}`).digest("hex").slice(0, 16)

const proofOf = (account: Account, text: string): Buffer =>
  createHmac("sha256", keyOf(account)).update(`contents\n${text}`).digest()

export const newFile = (directory: string, account: Account): string =>
  Path.join(directory, `agb-${accountId(account)}-${randomBytes(8).toString("hex")}.json`)

/** The files of an account. */
export const filesOf = (directory: string, account: Account): ReadonlyArray<string> => {
  const pattern = new RegExp(`^agb-${accountId(account)}-[0-9a-f]{16}\\.json$`)
  return Fs.readdirSync(directory).filter((name) => pattern.test(name)).slice(0, maxFiles).map((name) =>
    Path.join(directory, name)
  )
}

const temporaryOf = (file: string): string => `${file}.tmp`

export const remove = (file: string): void => {
  for (const path of [file, temporaryOf(file)]) Fs.rmSync(path, { force: true })
}

/** In one step: whoever reads finds the file of before or the new one, also after a stop of the machine. */
export const write = (file: string, account: Account, contents: Contents): void => {
  const text = JSON.stringify(contents)
  const temporary = temporaryOf(file)
  Fs.rmSync(temporary, { force: true })
  const descriptor = Fs.openSync(temporary, "wx", 0o600)
  try {
    Fs.writeSync(descriptor, JSON.stringify({ contents: text, proof: proofOf(account, text).toString("hex") }))
    Fs.fsyncSync(descriptor)
  } finally {
    Fs.closeSync(descriptor)
  }
  Fs.renameSync(temporary, file)
}

const idsIn = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((id) => typeof id === "string").slice(0, maxIds) : []

const allIdsIn = ({ attempt, session }: Partial<AllIds> = {}): AllIds => ({
  attempt: idsIn(attempt),
  session: idsIn(session)
})

/** Only a plain file of this user that nobody else can read. */
const readPrivate = (file: string): string | undefined => {
  const descriptor = Fs.openSync(
    file,
    Fs.constants.O_RDONLY | (Fs.constants.O_NOFOLLOW ?? 0) | (Fs.constants.O_NONBLOCK ?? 0)
  )
  try {
    const stat = Fs.fstatSync(descriptor)
    const isMine = process.getuid === undefined || stat.uid === process.getuid() && (stat.mode & 0o077) === 0
    return stat.isFile() && isMine && stat.size <= maxBytes ? Fs.readFileSync(descriptor, "utf8") : undefined
  } finally {
    Fs.closeSync(descriptor)
  }
}

/** Undefined for a file that is not of this account, or not as it was written. */
export const read = (file: string, account: Account): Contents | undefined => {
  try {
    const { contents, proof } = JSON.parse(readPrivate(file) ?? "{}") as Record<string, unknown>
    if (typeof contents !== "string" || typeof proof !== "string") return undefined
    const given = Buffer.from(proof, "hex")
    const wanted = proofOf(account, contents)
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
    const { endpoint, guardian, ids, inherited, lineage = "", program } = JSON.parse(contents) as Contents
    if (endpoint !== account.endpoint) return undefined
    return { endpoint, program, guardian, lineage, ids: allIdsIn(ids), inherited: allIdsIn(inherited) }
  } catch {
    return undefined
  }
}
