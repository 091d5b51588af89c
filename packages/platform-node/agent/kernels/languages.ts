/** The command line of each language's kernel, and the errors for a missing or broken interpreter. */
import { existsSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { javaArchiveName, javaOptions } from "../../src/internal/agentWire/javaKernel.js"
import { Failure } from "../wire/failure.js"
import type { Config } from "../wire/operation.js"

export interface Interpreter {
  readonly title: string
  readonly file: string
  readonly args: ReadonlyArray<string>
  /** How a run is interrupted: by SIGINT to the process group, by a line on descriptor 5, or both. */
  readonly interrupts: ReadonlyArray<"signal" | "control">
}

/** The build copies the kernels into this directory beside the bundled agent. */
const kernelFile = (name: string) => join(__dirname, "kernels", name)

/** The compiled kernel with its class archive, if the host has provided them. */
const javaProgram = () => {
  const archive = join(__dirname, "..", "java", javaArchiveName)
  return existsSync(archive)
    ? [`-XX:SharedArchiveFile=${archive}`, "-cp", dirname(archive), "Kernel"]
    : [kernelFile("java/Kernel.java")]
}

/** Less heap than usual in a session of little memory. */
const javaHeap = ({ limits: { memoryBytes } }: Config) =>
  memoryBytes !== undefined && memoryBytes < 2 ** 31 ? [`-Xmx${Math.floor(memoryBytes / 2 ** 21)}m`] : []

/** Java does not read the environment variables for proxies. */
const javaProxy = ({ proxy }: Config) =>
  proxy === undefined ? [] : [
    ...["http", "https"].flatMap((scheme) => [
      `-D${scheme}.proxyHost=${proxy.host}`,
      `-D${scheme}.proxyPort=${proxy.port}`
    ]),
    "-Dhttp.nonProxyHosts=localhost|127.*|[::1]|sandbox"
  ]

type Make = (file: string, config: Config) => Omit<Interpreter, "file">

const languages: Record<string, { readonly interpreter: string; readonly make: Make }> = {
  python: {
    interpreter: "python",
    make: () => ({ title: "Python", args: ["-X", "utf8", kernelFile("python/kernel.py")], interrupts: ["signal"] })
  },
  javascript: {
    interpreter: "node",
    make: () => ({
      title: "JavaScript",
      args: [
        // An interrupted timer callback leaves the async hooks stack inconsistent; Node would abort the process.
        "--no-force-async-hooks-checks",
        // For V8 to tell what makes a module invalid.
        "--experimental-vm-modules",
        kernelFile("javascript/kernel.cjs")
      ],
      interrupts: ["signal", "control"]
    })
  },
  java: {
    interpreter: "java",
    make: (_file, config) => ({
      title: "Java",
      args: [...javaOptions, ...javaHeap(config), ...javaProxy(config), ...javaProgram()],
      interrupts: ["control"]
    })
  },
  r: {
    interpreter: "r",
    make: (file) => ({
      title: "R",
      args: basename(file) === "Rscript" ?
        ["--vanilla", kernelFile("r/kernel.R")] :
        ["--vanilla", "--no-echo", `--file=${kernelFile("r/kernel.R")}`],
      interrupts: ["signal"]
    })
  }
}

const remedies: Record<string, string> = {
  python: "Python is not installed: install Python 3.8 or newer (Debian: python3), or name its executable",
  node: "Node is not available inside the sandbox: name its executable",
  java: "Java is not installed: install a JDK 17 or newer (Debian: default-jdk-headless), or name its executable",
  r: "R is not installed: install R 4.0 or newer (Debian: r-base-core), or name its executable"
}

export const interpreterOf = (language: string, config: Config): Interpreter => {
  const found = Object.hasOwn(languages, language) ? languages[language] : undefined
  if (found === undefined) {
    throw new Failure("EINVAL", `Unsupported language: ${language} (known are ${Object.keys(languages).join(", ")})`)
  }
  const file = config.interpreters[found.interpreter]
  if (!file) throw new Failure("UNAVAILABLE", remedies[found.interpreter] ?? "")
  return { file, ...found.make(file, config) }
}

/** The error for an interpreter that exited before it was ready. */
export const startFailure = ({ file, title }: Interpreter, exit: string, stderr: string) => {
  if (title === "Java" && /jdk\.(jshell|compiler)/.test(stderr)) {
    return new Failure(
      "UNAVAILABLE",
      `${file} belongs to a Java runtime without jdk.jshell: install a JDK 17 or newer (Debian: default-jdk-headless)`
    )
  }
  const lastLines = stderr.trim().split("\n").slice(-5).join("\n")
  return new Failure(
    "UNAVAILABLE",
    `${title} could not be started by ${file} (${exit})${lastLines === "" ? "" : `: ${lastLines}`}`
  )
}
