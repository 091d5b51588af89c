/** What scripts that run in a session share: POSIX sh, through the tool `shell`. */
import * as AgbTools from "../../AgbTools.js"
import type { RetrySafety } from "../wire/endpoints/endpoint.js"
import { withLazyFields } from "../wire/lazyFields.js"

/** Quotes a text for the shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

type Shell = AgbTools.Tools["shell"]

const shellWith = (retrySafety: RetrySafety): Shell =>
  withLazyFields(
    { name: "shell", description: "", server: AgbTools.tools.shell.server, retrySafety: () => retrySafety },
    { args: () => AgbTools.tools.shell.args, result: () => AgbTools.tools.shell.result }
  )

/** The tool `shell` by what a script does. Commands in general are `unsafe`; scripts may be written to be repeated. */
export const shells: Readonly<Record<RetrySafety, Shell>> = {
  safe: shellWith("safe"),
  idempotent: shellWith("idempotent"),
  unsafe: shellWith("unsafe")
}

/** Where the kernel lists sockets. */
export const socketTable = "/proc/net/tcp"

/** A condition: something listens on a TCP port. The table has ports in hexadecimal; 0A is the state of a listening socket. */
export const listens = (port: number): string =>
  `cat ${socketTable} ${socketTable}6 2>/dev/null | grep -q ":${
    port.toString(16).toUpperCase().padStart(4, "0")
  } [0-9A-F]*:0000 0A "`
