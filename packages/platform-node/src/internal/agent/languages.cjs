// @ts-check
"use strict"

/** How the interpreter of each language is started, and what is said when there is none. */
const { existsSync } = require("node:fs")
const { basename, dirname, join } = require("node:path")
const { Failure } = require("./failure.cjs")

/**
 * @typedef {object} Interpreter
 * @property {string} title
 * @property {string} file
 * @property {ReadonlyArray<string>} args
 * @property {ReadonlyArray<"signal" | "control">} interrupts how a run is interrupted: SIGINT to the process group, a
 *   line on descriptor 5
 */

/** @param {string} name */
const beside = (name) => join(__dirname, name)

/** A quick start and a small footprint count for more than peak speed here. */
const javaOptions = [
  "-XX:TieredStopAtLevel=1",
  "-XX:+UseSerialGC",
  "-XX:-UsePerfData",
  "-Xshare:auto",
  "-Xmx1g",
  "-Dfile.encoding=UTF-8",
  "-Xlog:disable",
  "-Xlog:all=error:stderr"
]

const javaArchiveName = "kernel.jsa"

/** Where the host has put the compiled kernel and its archive, if it has. */
const javaProgram = () => {
  const archive = beside(`../java/${javaArchiveName}`)
  return existsSync(archive)
    ? [`-XX:SharedArchiveFile=${archive}`, "-cp", dirname(archive), "Kernel"]
    : [beside("Kernel.java")]
}

/**
 * Java reads no variables for this.
 *
 * @param {import("./operation.cjs").Config} config
 */
const javaProxy = ({ proxy }) =>
  proxy === undefined ? [] : [
    ...["http", "https"].flatMap((scheme) => [
      `-D${scheme}.proxyHost=${proxy.host}`,
      `-D${scheme}.proxyPort=${proxy.port}`
    ]),
    "-Dhttp.nonProxyHosts=localhost|127.*|[::1]|sandbox"
  ]

/** @typedef {(file: string, config: import("./operation.cjs").Config) => Omit<Interpreter, "file">} Make */

/** @type {Record<string, { readonly interpreter: string, readonly make: Make }>} */
const languages = {
  python: {
    interpreter: "python",
    make: () => ({ title: "Python", args: ["-X", "utf8", beside("kernel.py")], interrupts: ["signal"] })
  },
  javascript: {
    interpreter: "node",
    make: () => ({
      title: "JavaScript",
      // An interrupted timer callback leaves the asynchronous context out of step, for which Node would end the process.
      args: ["--no-force-async-hooks-checks", beside("kernelJs.cjs")],
      interrupts: ["signal", "control"]
    })
  },
  java: {
    interpreter: "java",
    make: (_file, config) => ({
      title: "Java",
      args: [...javaOptions, ...javaProxy(config), ...javaProgram()],
      interrupts: ["control"]
    })
  },
  r: {
    interpreter: "r",
    make: (file) => ({
      title: "R",
      args: basename(file) === "Rscript" ?
        ["--vanilla", beside("kernel.R")] :
        ["--vanilla", "--no-echo", `--file=${beside("kernel.R")}`],
      interrupts: ["signal"]
    })
  }
}

/** @type {Record<string, string>} */
const remedies = {
  python: "Python is not installed: install Python 3.8 or newer (Debian: python3), or name its executable",
  node: "Node is not available inside the sandbox: name its executable",
  java: "Java is not installed: install a JDK 17 or newer (Debian: default-jdk-headless), or name its executable",
  r: "R is not installed: install R 4.0 or newer (Debian: r-base-core), or name its executable"
}

/**
 * @param {string} language
 * @param {import("./operation.cjs").Config} config
 * @returns {Interpreter}
 */
const interpreterOf = (language, config) => {
  const found = Object.hasOwn(languages, language) ? languages[language] : undefined
  if (found === undefined) {
    throw new Failure("EINVAL", `Unsupported language: ${language} (known are ${Object.keys(languages).join(", ")})`)
  }
  const file = config.interpreters[found.interpreter]
  if (!file) throw new Failure("UNAVAILABLE", remedies[found.interpreter] ?? "")
  return { file, ...found.make(file, config) }
}

/**
 * Why an interpreter ended before it was ready.
 *
 * @param {Interpreter} interpreter
 * @param {string} exit
 * @param {string} stderr
 */
const startFailure = ({ file, title }, exit, stderr) => {
  if (title === "Java" && /jdk\.(jshell|compiler)/.test(stderr)) {
    return new Failure(
      "UNAVAILABLE",
      `${file} belongs to a Java runtime without jdk.jshell: install a JDK 17 or newer (Debian: default-jdk-headless)`
    )
  }
  const said = stderr.trim().split("\n").slice(-5).join("\n")
  return new Failure(
    "UNAVAILABLE",
    `${title} could not be started by ${file} (${exit})${said === "" ? "" : `: ${said}`}`
  )
}

module.exports = { javaOptions, javaArchiveName, interpreterOf, startFailure }
