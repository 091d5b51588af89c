#!/usr/bin/env node
/**
 * `agb-local`: the local runtime alone, for clients in any language. What the arguments alone decide is said before anything
 * else is loaded.
 */
import { readFileSync } from "node:fs"
import { parse, usage } from "./internal/cli/arguments.js"

const version = (): string => JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version

const main = async (): Promise<void> => {
  try {
    const wanted = parse(process.argv.slice(2), {
      apiKey: process.env.AGB_API_KEY,
      isTerminal: process.stderr.isTTY === true
    })
    if (wanted === "help") process.stdout.write(usage)
    else if (wanted === "version") process.stdout.write(`${version()}\n`)
    else (await import("./serve.js")).serve(wanted)
  } catch (error) {
    process.stderr.write(`agb-local: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  }
}

void main()
