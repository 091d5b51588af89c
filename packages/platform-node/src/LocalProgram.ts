/**
 * The program `agb-local`: the local runtime as a server for clients in any language, and for programs that have it as a
 * command of theirs.
 *
 * @since 0.1.0
 */
import { readFileSync } from "node:fs"
import { parse, usage } from "./internal/cli/arguments.js"
import { onBrokenStreams } from "./internal/node/standardStreams.js"
import { packageFolder } from "./internal/sandbox/process/packageFolder.js"

export {
  /**
   * What `--help` prints.
   *
   * @since 0.1.0
   * @category main
   */
  usage
} from "./internal/cli/arguments.js"

const version = (): string => {
  const folder = packageFolder(import.meta.url)
  return folder === undefined ? "unknown" : JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version
}

/** What fails for another reason than a reader that is gone fails as ever. */
const rethrow = (error: Error): never => {
  throw error
}

/**
 * Runs the program until the process is asked to end: the process is then its own. `args` are its arguments without Node and the
 * file; `name` stands before what it says, `agb-local` by default. `--help`, `--version` and invalid arguments, for which the exit
 * code is 2, are answered without loading the runtime. `program` starts it again, as arguments of Node; with it, what there is no
 * time to remove at the end is removed by a process of its own.
 *
 * @since 0.1.0
 * @category main
 */
export const main = async (
  args: ReadonlyArray<string>,
  name = "agb-local",
  program?: ReadonlyArray<string>
): Promise<void> => {
  onBrokenStreams(() => {}, rethrow)
  try {
    const wanted = parse(args, { apiKey: process.env["AGB_API_KEY"], isTerminal: process.stderr.isTTY === true })
    if (wanted === "help") process.stdout.write(usage.replace("agb-local", name))
    else if (wanted === "version") process.stdout.write(`${version()}\n`)
    else if (wanted === "sweep") await (await import("./internal/cli/sweep.js")).sweep()
    else (await import("./internal/cli/serve.js")).serve(wanted, name, program)
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  }
}
