/** A program that creates a session, does not dispose its AGB, and ends as its first argument says. */
import { AGB } from "../../../src/AgbPromise.js"
import { layer } from "../../../src/NodeAgb.js"

const [ending, isolation] = process.argv.slice(2)
const { AGB_API_KEY: apiKey = "", AGB_ENDPOINT: endpoint } = process.env

const agb = ending === "impatient"
  ? new AGB({ layer: layer({ apiKey, endpoint, deleteBudget: "1 second" }) })
  : isolation === undefined
  ? new AGB()
  : AGB.local({ isolation: isolation as "auto" })

const create = (signal?: AbortSignal) => agb.create({ imageId: "agb-code-space-1" }, { signal })

if (ending === "abort") {
  const stop = new AbortController()
  process.stdin.once("end", () => stop.abort()).resume()
  await create(stop.signal).catch(() => {})
} else if (ending === "cutOff") {
  process.stdin.once("end", () => process.exit(3)).resume()
  await create()
} else if (ending === "pool") {
  const opened = await agb.pool({ session: { imageId: "agb-code-space-1" }, max: 1 })
  if (!opened.success) throw opened.error
  await opened.pool.withSession(() => {})
} else {
  const created = await create()
  if (!created.success) throw created.error
}
process.stdout.write("ready\n")

const endings: Record<string, () => unknown> = {
  exit: () => process.exit(3),
  throw: () => {
    throw new Error("nobody catches this")
  },
  dispose: () => agb.dispose(),
  again: () => {
    process.once("beforeExit", () => setTimeout(() => process.stdout.write("once more\n"), 10))
  },
  unread: () => new Promise((resolve) => setTimeout(resolve, 200))
}
await endings[ending ?? ""]?.()
