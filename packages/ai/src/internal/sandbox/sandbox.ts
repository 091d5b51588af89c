/** A session as the sandbox session of the AI SDK. */
import type { Session } from "@effect-agb/core/Session"
import type { Experimental_SandboxSession as SandboxSession } from "ai"
import { resolver } from "../paths.js"
import * as sandboxFiles from "./sandboxFiles.js"
import * as sandboxProcesses from "./sandboxProcesses.js"

/** For instructions of an agent. */
const describe = (session: Session): string =>
  `An isolated Linux sandbox (AGB session, image ${session.imageId}) with a POSIX shell. Files are kept between commands; the working ` +
  "directory and variables of a command are not."

export const make = (session: Session): SandboxSession => {
  const resolve = resolver(session.command)
  return {
    description: describe(session),
    ...sandboxFiles.make(session, resolve),
    ...sandboxProcesses.make(session.command, resolve)
  }
}
