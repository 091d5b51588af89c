/** A program for the official SDK, with another import: it creates a session, deletes nothing and ends. */
import { AGB } from "../../../src/compat.js"

const folder = process.argv[2]
if (folder !== undefined) process.chdir(folder)
try {
  const { errorMessage, session } = await new AGB().create({ imageId: "agb-code-space-1" })
  process.stdout.write(String(session ? session.sessionId : errorMessage))
} catch (error) {
  process.stdout.write(String(error))
}
