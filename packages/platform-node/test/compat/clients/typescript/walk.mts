/** A program written for v0.12.0 of the TypeScript SDK. */
import { AGB } from "./agb.js"
import { good } from "./report.js"
import { walk as files } from "./walkFiles.js"
import { walk as routes } from "./walkRoutes.js"
import { walk as sessions } from "./walkSessions.js"
import { walk as work } from "./walkWork.js"

const agb = new AGB()
const session = good(await agb.create({ imageId: "agb-code-space-1" }))
for (const walk of [sessions, work, files, routes]) await walk.take(agb, session)
await session.delete()
