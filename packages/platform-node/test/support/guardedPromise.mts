/** The same as `guardedProgram.mts` without Effect: makes as many sessions as its first argument says, says so, and waits. */
import { AGB } from "@effect-agb/platform-node/AgbPromise"

const [, , count = "", journalDirectory = ""] = process.argv

const agb = new AGB({ guardian: journalDirectory === "" ? true : { journalDirectory } })

const create = () => agb.create({ imageId: "agb-code-space-1", idleTimeout: "1 day" })

const created = await Promise.all(Array.from({ length: Number(count) }, create))
process.stdout.write(`${created.find(({ success }) => !success)?.errorMessage ?? "ready"}\n`)
process.stdin.on("end", () => agb.dispose()).resume()
