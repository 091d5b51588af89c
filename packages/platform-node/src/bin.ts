#!/usr/bin/env node
/**
 * `agb-local`: the local runtime as a server for clients in any language. `--help`, `--version` and invalid arguments are
 * answered without loading the runtime.
 */
import { readFileSync } from "node:fs"
import { parse, usage } from "./internal/cli/arguments.js"
import { onBrokenStreams } from "./internal/node/standardStreams.js"

const version = (): string => JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version

/** What fails for another reason than a reader that is gone fails as ever. */
const rethrow = (error: Error): never => {
  throw error
}

const main = async (): Promise<void> => {
  try {
    const wanted = parse(process.argv.slice(2), {
      apiKey: process.env.AGB_API_KEY,
      isTerminal: process.stderr.isTTY === true
    })
    if (wanted === "help") process.stdout.write(usage)
    else if (wanted === "version") process.stdout.write(`${version()}\n`)
    else if (wanted === "sweep") await (await import("./internal/cli/sweep.js")).sweep()
    else (await import("./serve.js")).serve(wanted)
  } catch (error) {
    process.stderr.write(`agb-local: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  }
}

onBrokenStreams(() => {}, rethrow)
void main()
