/** A program that leaves a session, and its AGB if told so, and has nothing more to do. */
import { AGB } from "../../../src/AgbPromise.js"
import type { IsolationRequest } from "../../../src/Isolation.js"

const [isolation, dispose] = process.argv.slice(2)

const agb = AGB.local({ isolation: isolation as IsolationRequest })
const created = await agb.create({ imageId: "agb-code-space-1" })
if (!created.success) throw created.error
const { output } = await created.session.command.executeCommand("echo done", 10_000)
if (dispose === "dispose") await agb.dispose()
process.stdout.write(output ?? "")
