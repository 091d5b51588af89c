/** Running a short program in a sandbox to see whether that works here. */
import * as Effect from "effect/Effect"
import { findAgent } from "./confine/agentFolder.js"
import type { Confined } from "./confine/candidates.js"
import type { Interpreters } from "./confine/interpreters.js"
import { confinedLaunch } from "./confine/launchSpec.js"
import { defaultLimits } from "./confine/rootfs.js"
import { destroyPipes, killNamespace, lastWords, leaderOf, spawnLaunch } from "./process/kill.js"
import type { Launch } from "./process/launch.js"

const patience = 10_000

/** It waits to be killed, since bubblewrap leaves a zombie to process 1 when a program ends by itself. */
const announced = (program: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...["/bin/sh", "-c", "\"$@\" >/dev/null && echo works && exec cat", "sh"],
  ...program
]

const complaintOf = (launch: Launch): Effect.Effect<string | undefined> =>
  Effect.async<string | undefined>((resume) => {
    const child = spawnLaunch(launch)
    const words = lastWords(child)
    const end = (complaint: string | undefined) => {
      clearTimeout(timer)
      killNamespace(leaderOf(child))
      destroyPipes(child)
      resume(Effect.succeed(complaint))
    }
    const timer = setTimeout(() => end("it did not end in time"), patience)
    child.stdout?.once("data", () => end(undefined))
    child.on("error", (error) => end(error.message))
    child.on("close", (code, signal) => end(words() || `it ended with ${signal ?? `exit code ${code}`}`))
    return Effect.sync(() => end(undefined))
  })

/**
 * What was complained about when `program` ran in a sandbox built exactly as a session's is; undefined where it exited
 * with 0. Never takes longer than ten seconds.
 */
export const trial = (
  how: Confined,
  interpreters: Interpreters,
  program: ReadonlyArray<string>
): Effect.Effect<string | undefined> =>
  findAgent().pipe(
    Effect.flatMap(({ file }) =>
      confinedLaunch(how, { agent: file, interpreters, limits: defaultLimits, network: "none" }, announced(program))
    ),
    Effect.flatMap(complaintOf),
    Effect.catchTag("AgentMissingError", ({ message }) => Effect.succeed(message)),
    Effect.catchAllDefect((defect) => Effect.succeed(String(defect)))
  )
