/** The languages that a sandbox can run, and the interpreters that they need. */
import type { Language } from "@effect-agb/core/AgbTools"
import * as Option from "effect/Option"

export interface Available {
  readonly _tag: "Available"
  /** Absolute path, the same inside and outside the sandbox. */
  readonly path: string
  readonly version: string
  /** Folders outside /usr that the sandbox needs, read-only. */
  readonly folders: ReadonlyArray<string>
}

export interface Missing {
  readonly _tag: "Missing"
  readonly reason: string
  readonly remedy: string
}

export type Interpreters = Readonly<Record<Language, Available | Missing>>

const remedies: Readonly<Record<Exclude<Language, "javascript">, string>> = {
  python: "install Python 3 (Debian: python3)",
  java: "install a JDK 17 or newer (Debian: default-jdk-headless)",
  r: "install R (Debian: r-base-core)"
}

export const missing = (language: Exclude<Language, "javascript">, reason: string): Missing => ({
  _tag: "Missing",
  reason,
  remedy: remedies[language]
})

const node: Available = { _tag: "Available", path: process.execPath, version: process.versions.node, folders: [] }

/** Node alone, which is always available since it runs this process. */
export const nodeOnly: Interpreters = {
  python: missing("python", "not found"),
  javascript: node,
  java: missing("java", "not found"),
  r: missing("r", "not found")
}

/** The folders outside /usr that any interpreter needs, without duplicates and folders inside another. */
export const interpreterFolders = (interpreters: Interpreters): ReadonlyArray<string> => {
  const folders = [...new Set(Object.values(interpreters).flatMap((it) => it._tag === "Available" ? it.folders : []))]
  return folders.filter((folder) => !folders.some((other) => folder.startsWith(`${other}/`)))
}

export const interpreterPath = (interpreter: Available | Missing): Option.Option<string> =>
  interpreter._tag === "Available" ? Option.some(interpreter.path) : Option.none()

const titles: Readonly<Record<Language, (version: string) => string>> = {
  python: (version) => `Python ${version}`,
  javascript: (version) => `JavaScript (Node ${version})`,
  java: (version) => `Java ${version.split(".")[0]}`,
  r: (version) => `R ${version}`
}

const names: Readonly<Record<Language, string>> = { python: "Python", javascript: "JavaScript", java: "Java", r: "R" }

const order: ReadonlyArray<Language> = ["python", "javascript", "java", "r"]

export const availableLanguages = (interpreters: Interpreters): ReadonlyArray<Language> =>
  order.filter((language) => interpreters[language]._tag === "Available")

/** One line for people: `Python 3.11.2, JavaScript (Node 20.20.2), Java 17; R not found: install R (Debian: r-base-core)`. */
export const describeLanguages = (interpreters: Interpreters): string => {
  const lines = order.map((language) => {
    const found = interpreters[language]
    return found._tag === "Available"
      ? { available: true, text: titles[language](found.version) }
      : { available: false, text: `${names[language]} ${found.reason}: ${found.remedy}` }
  })
  return [
    lines.filter((line) => line.available).map((line) => line.text).join(", "),
    ...lines.filter((line) => !line.available).map((line) => line.text)
  ].join("; ")
}
