/** What `handoverSafety.test.ts` watches over, each broken on purpose. */

const internal = "packages/platform-node/src/internal"
const offered = `${internal}/sandbox/process/offeredFile.ts`
const shared = `${internal}/node/handover/sharedFile.ts`
const challenge = `${internal}/node/handover/challenge.ts`
const descriptor = `${internal}/node/handover/descriptor.ts`
const peers = `${internal}/node/handover/peers.ts`
const handed = `${internal}/server/sessions/handedFiles.ts`

const mutant = (defence, file, from, to, caughtBy) => ({ defence, changes: { [file]: [[from, to]] }, caughtBy })

const own = "are opened by the server if they are the session's own, and regular"
const vouched = "are opened by the client if they are what the server has vouched for"
const nobody = "are handed over to nobody who has not made a file that only this user can read"
const signed = "are signed for one session, one ticket and one address"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  mutant(
    "an agent cannot offer what is no regular file",
    offered,
    "stat.isFile() && isOwn(fd, stat)",
    "isOwn(fd, stat)",
    own
  ),
  mutant("an agent cannot offer a foreign file", offered, "stat.isFile() && isOwn(fd, stat)", "stat.isFile()", own),
  mutant(
    "an agent cannot offer a file beside its directory",
    offered,
    "`${realpathSync(path)}/`)",
    "`${realpathSync(path)}`)",
    own
  ),
  mutant(
    "opening what an agent offers gives no access to it",
    offered,
    "openSync(path, O_PATH)",
    "openSync(path, 2)",
    "are not opened for reading or writing by the server"
  ),
  mutant(
    "a session has its own files in memory",
    offered,
    " || !after.startsWith(\"tmpfs \")",
    "",
    "lie on mounts of the session, which are in memory"
  ),
  mutant(
    "a client opens only the device that was vouched for",
    shared,
    "stat.dev === descriptor.device && ",
    "",
    vouched
  ),
  mutant("a client opens only the file that was vouched for", shared, " && stat.ino === descriptor.inode", "", vouched),
  mutant("a client opens regular files only", shared, "stat.isFile() && ", "", vouched),
  mutant(
    "a client writes no more than the session may have",
    shared,
    "before + position + bytes.length > limit",
    "bytes.length > limit",
    "have at most the bytes that the session may have"
  ),
  mutant("a proof has one name", challenge, " && nlink === 1", "", nobody),
  mutant("a proof has its size", challenge, " && size === secretBytes", "", nobody),
  mutant("a proof is secret", challenge, " && (mode & 0o7777) === 0o600", "", nobody),
  mutant("a proof is no link", challenge, "O_RDONLY | O_NOFOLLOW |", "O_RDONLY |", nobody),
  mutant("a proof has a name of its own", challenge, "  if (!pattern.test(path)) return undefined\n", "", nobody),
  {
    ...mutant(
      "a proof is that of this user",
      challenge,
      "uid === process.geteuid?.()",
      "uid >= 0",
      "are handed over to no other user"
    ),
    only: "root"
  },
  mutant("a signature is for an address", descriptor, "[authority, sessionId, nonce]", "[sessionId, nonce]", signed),
  mutant("a signature is for a session", descriptor, "[authority, sessionId, nonce]", "[authority, nonce]", signed),
  mutant("a signature is for a ticket", descriptor, "[authority, sessionId, nonce]", "[authority, sessionId]", signed),
  mutant(
    "a signature is compared",
    challenge,
    "given.length === expected.length && timingSafeEqual(expected, given)",
    "given.length === expected.length",
    signed
  ),
  mutant(
    "a server that does not know a key is asked for the proof again",
    peers,
    "    if (text === unknownKey && known?.key === used) known = undefined\n",
    "",
    "are opened once the server has proven itself"
  ),
  mutant(
    "a name is no address",
    peers,
    "(127\\.0\\.0\\.1|\\[::1\\])",
    "(127\\.0\\.0\\.1|\\[::1\\]|localhost)",
    "are those of servers that are reached by a number"
  ),
  mutant(
    "a file that is not written is given up",
    handed,
    "      if (progress === before) abandon(stalled)\n",
    "",
    "are given up when nothing was written for a minute"
  ),
  mutant(
    "what a client gives up is gone when it is told so",
    handed,
    "      return Effect.ignore(Deferred.await(result))\n",
    "      return Effect.void\n",
    "are given up by their client once the agent has left nothing of them"
  ),
  mutant(
    "what was to be read is closed after a time",
    handed,
    "setTimeout(close, openingMs)",
    "setTimeout(close, 100 * openingMs)",
    "are closed after they could have been opened"
  ),
  mutant(
    "what is to be read is bounded",
    handed,
    "    if (this.#reading.size > maxFiles) longest?.()\n",
    "",
    "are closed after they could have been opened"
  ),
  mutant(
    "what is to be read ends with the session",
    handed,
    "    for (const close of this.#reading) close()\n",
    "",
    "are closed after they could have been opened"
  ),
  mutant(
    "a file that is too large is not committed",
    handed,
    "fstatSync(held.fd).size > sandbox.largestFile",
    "fstatSync(held.fd).size < 0",
    "are given up with the session, and where they have become too large"
  )
]
