// The agent that runs inside sandboxes, as one file with the kernels beside it.
import { cpSync, readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const directory = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages", "platform-node")
const source = join(directory, "src", "internal", "agent")
const target = join(directory, "dist", "internal", "agent")

export const buildAgent = async () => {
  for (const name of readdirSync(source)) {
    if (/\.(py|R|java)$/.test(name)) cpSync(join(source, name), join(target, name))
  }
}
