/** Compares the contents of files with bounded memory. */
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"

const digestOf = async (path: string): Promise<string> => {
  const hash = Crypto.createHash("sha256")
  for await (const chunk of Fs.createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest("hex")
}

export const haveSameContent = async (one: string, other: string): Promise<boolean> =>
  await digestOf(one) === await digestOf(other)
