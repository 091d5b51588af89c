#!/usr/bin/env node
/** `agb`. The version, and `agb local` with invalid arguments, are answered without loading more than that takes. */
import { readFileSync } from "node:fs"

const version = (): string => JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version

const main = async ([name, ...rest]: ReadonlyArray<string>): Promise<void> => {
  if (name === "--version" || name === "-V") process.stdout.write(`${version()}\n`)
  else if (name === "local") {
    const { main } = await import("@effect-agb/platform-node/LocalProgram")
    await main(rest, "agb local", [process.argv[1] ?? "", "local"])
  } else (await import("./main.js")).main(process.argv.slice(2), version())
}

void main(process.argv.slice(2))
