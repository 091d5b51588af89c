/**
 * Where the built agent is. The package is resolved by its own name, which gives the same folder from its sources, from
 * its compiled form and from a program it was bundled into, as long as the package is installed beside that program.
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { packageFolder, packageName } from "../process/packageFolder.js"
import type { Diagnosis } from "./diagnosis.js"

/** The agent was not found, so no sandbox can be started. */
export class AgentMissingError extends Data.TaggedError("AgentMissingError")<Diagnosis> {
  override get message(): string {
    return `${this.reason}. ${this.remedy}`
  }
}

export interface BuiltAgent {
  /** Sandboxes see this folder read-only, and nothing else of the package. */
  readonly folder: string
  readonly file: string
  readonly javaKernel: string
}

/** For a bundle that runs where the package is not installed. */
export const notInstalled: Diagnosis = {
  reason: `the files of ${packageName} are not beside this program, which was bundled without them`,
  remedy: `The package must stay external to the bundle: install ${packageName} and exclude it from bundling`
}

const notBuilt: Diagnosis = { reason: "the local runtime's agent is not built", remedy: "Run `pnpm build`" }

const incomplete = (file: string): Diagnosis => ({
  reason: `the local runtime's agent is missing: ${file}`,
  remedy: `Install ${packageName} again`
})

/** The agent of the package at `root`; undefined where the package cannot be resolved. */
export const agentOf = (root: string | undefined): Either.Either<BuiltAgent, AgentMissingError> => {
  if (root === undefined) return Either.left(new AgentMissingError(notInstalled))
  const folder = Path.join(root, "dist", "agent")
  const file = Path.join(folder, "agent.cjs")
  if (Fs.existsSync(file)) {
    return Either.right({ folder, file, javaKernel: Path.join(folder, "kernels", "java", "Kernel.java") })
  }
  const isCheckout = Fs.existsSync(Path.join(root, "agent", "main.ts"))
  return Either.left(new AgentMissingError(isCheckout ? notBuilt : incomplete(file)))
}

/** The agent of the package that `from`, a file or its URL, belongs to or depends on. */
export const findAgent = (from: string = import.meta.url) => agentOf(packageFolder(from))

/** The folder of what takes the types out of TypeScript, a dependency of the package. */
export const typeStripperFolder = (): string => {
  const root = packageFolder(import.meta.url)
  const from = root === undefined ? import.meta.url : Path.join(root, "package.json")
  return Path.dirname(createRequire(from).resolve("@swc/wasm-typescript"))
}
