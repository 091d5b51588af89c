/** Error reports of JavaScript code, with stack frames of the user's code only. */
import type { SourceMap } from "node:module"
import { inspect, types } from "node:util"

export interface ErrorReport {
  readonly name: string
  readonly value: string
  readonly traceback: string
}

const kernelDirectory = `${__dirname}/`

const maps = new Map<string, SourceMap>()

/** Registers the source map of a run whose code was transformed. */
export const mapLines = (name: string, map: SourceMap) => void maps.set(name, map)

/** Removes the frames of the kernel from all stacks, including those that the code prints itself. */
export const hideKernelFrames = () => {
  Error.prepareStackTrace = (error, sites) => {
    const inspector = sites.findIndex((site) => site.getFileName() === "node:inspector")
    const own = sites.filter((site, at) =>
      (inspector < 0 || at < inspector || site.isAsync()) && !site.getFileName()?.startsWith(kernelDirectory)
    )
    return [headOf(error), ...own].join("\n    at ")
  }
}

/** Like Node: with the code of Node's own errors. */
const headOf = (error: Error & { readonly code?: unknown }) => {
  const { code, message, name } = error
  return typeof code === "string" && code.startsWith("ERR_") && typeof name === "string" && !name.includes(code)
    ? `${name} [${code}]: ${message}`
    : Error.prototype.toString.call(error)
}

/** Frames of Node and of the kernel, and the line that counts the frames omitted from a cause. */
const isOmitted = (line: string) =>
  /^\s+at /.test(line)
    ? /\(?node:/.test(line) || line.includes(kernelDirectory)
    : /^\s+\.{3} \d+ lines matching cause stack trace \.{3}/.test(line)

const withOwnLines = (text: string) =>
  maps.size === 0 ? text : text.replace(/\b(run-\d+):(\d+):(\d+)/g, (found, name, line, column) => {
    const entry = maps.get(name)?.findEntry(line - 1, column - 1)
    return entry !== undefined && "originalLine" in entry
      ? `${name}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
      : found
  })

/** An error with its stack and its own properties; those follow the last frame in braces. */
export const stackOf = (error: unknown) => {
  const kept: Array<string> = []
  for (const line of inspect(error).split("\n")) {
    if (!isOmitted(line)) kept.push(line)
    else if (line.endsWith(" {")) kept.push(`${kept.pop()} {`)
  }
  return withOwnLines(kept.join("\n"))
}

export const describeError = (error: unknown): ErrorReport => {
  try {
    if (types.isNativeError(error) || error instanceof Error) {
      return { name: error.name, value: error.message, traceback: stackOf(error) }
    }
    return { name: "Error", value: inspect(error), traceback: `Uncaught ${inspect(error)}` }
  } catch {
    return { name: "Error", value: "", traceback: "Uncaught error that cannot be shown" }
  }
}

/** Whether an error may belong to a run: its stack has a frame of that run, or of no run. */
export const isOfRun = ({ traceback }: ErrorReport, name: string) =>
  traceback.includes(`${name}:`) || !/\brun-\d+:/.test(traceback)

/** Shows the offending line like Node does; an unexpected end is shown on the last line. Line and column are 0-based. */
export const describeSyntaxError = (
  name: string,
  code: string,
  fault: { readonly message: string; readonly line: number; readonly column: number }
): ErrorReport => {
  const texts = code.trimEnd().split("\n")
  const last = texts.length - 1
  const declared = fault.line + fault.column === 0 ? redeclared.exec(fault.message)?.[1] : undefined
  const end = { line: last, column: texts[last]?.length ?? 0 }
  const { column, line } = fault.line > last ? end : declared === undefined ? fault : declarationOf(texts, declared)
  const text = texts[line] ?? ""
  const message = /^@[\w$(]/.test(text.slice(column)) ? "Decorators are not supported" : fault.message
  const where = `${name}:${line + 1}\n${text}\n${" ".repeat(column)}^`
  return { name: "SyntaxError", value: message, traceback: `${where}\n\nSyntaxError: ${message}` }
}

const redeclared = /^Identifier '(.+)' has already been declared$/

export const isRedeclaration = (message: string) => redeclared.test(message)

/** V8 does not report the position of a redeclaration that conflicts with an earlier run. */
const declarationOf = (texts: ReadonlyArray<string>, name: string) => {
  const word = `(?<![\\w$])${name.replaceAll("$", "\\$")}(?![\\w$])`
  const nearby = new RegExp(`\\b(?:let|const|var|class|function)\\b[^;=]*?${word}`)
  const found = texts.findIndex((text) => nearby.test(text))
  const line = found < 0 ? texts.findIndex((text) => new RegExp(word).test(text)) : found
  return { line: Math.max(0, line), column: Math.max(0, texts[line]?.search(/\S/) ?? 0) }
}

export const interrupted = {
  name: "Interrupted",
  value: "The run was interrupted",
  traceback: "Interrupted: The run was interrupted"
}
