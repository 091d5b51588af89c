/** What the local runtime requires of this process and machine, checked before any sandbox is tried. */
import * as Either from "effect/Either"
import * as Fs from "node:fs"
import { findAgent, notInstalled } from "./confine/agentFolder.js"
import type { Diagnosis } from "./confine/diagnosis.js"
import { forkServerFile } from "./process/forkServerFile.js"

type Requirement = () => Diagnosis | undefined

const linux: Requirement = () =>
  process.platform === "linux" ? undefined : {
    reason: `the local runtime needs Linux, and this machine runs ${process.platform}`,
    remedy: "Run it in a Linux container or virtual machine, or use the cloud"
  }

/** The fork server hands sockets to this process, which other runtimes cannot receive. */
const node: Requirement = () => {
  const { bun, deno } = process.versions
  const other = bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : undefined
  return other === undefined ? undefined : {
    reason: `the local runtime needs Node, and this program runs on ${other}`,
    remedy:
      "Run this program with Node, or start agb-local with Node and set AGB_ENDPOINT and AGB_API_KEY to what it prints"
  }
}

/**
 * A session uses at least six. Bash leaks descriptor 255 into its children, and with a limit below it that descriptor could
 * not be masked.
 */
const minOpenFiles = 256

/** Node raises its soft limit to the hard one at startup. */
const openFiles: Requirement = () => {
  const limits = Fs.existsSync("/proc/self/limits") ? Fs.readFileSync("/proc/self/limits", "utf8") : ""
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity)
  return limit >= minOpenFiles ? undefined : {
    reason: `the local runtime needs ${minOpenFiles} open files at a time, and this process may have ${limit}`,
    remedy: `Raise the limit, for example with ulimit -n ${minOpenFiles}`
  }
}

const agent: Requirement = () =>
  Either.match(findAgent(), { onLeft: ({ reason, remedy }) => ({ reason, remedy }), onRight: () => undefined })

const forkServer: Requirement = () => forkServerFile() === "" ? notInstalled : undefined

/** The first requirement that is not met. */
export const unmetRequirement: Requirement = () => {
  for (const requirement of [linux, node, openFiles, agent, forkServer]) {
    const unmet = requirement()
    if (unmet !== undefined) return unmet
  }
  return undefined
}
