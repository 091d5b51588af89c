// A mutant is caught when its test, which passes without it, fails on an assertion with it.
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { join } from "node:path"
import { endLeftovers } from "./checkoutCopy.mjs"
import { mutatedFiles } from "./lists.mjs"

/** Far more than any takes on a busy machine; a test that never ends proves nothing. */
const longestRun = 400_000

/** One file needs one worker; a test which waits in vain comes to its assertion on a slow machine too. */
const options = ["--minWorkers=1", "--maxWorkers=1"]

const readReport = (file, words) => {
  if (!Fs.existsSync(file)) return { tests: [], trouble: `no report: ${words.trim()}` }
  const { testResults } = JSON.parse(Fs.readFileSync(file, "utf8"))
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "passed" || status === "failed")
  const empty = testResults.filter(({ assertionResults }) => assertionResults.length === 0)
  return { tests, trouble: empty.map(({ message }) => message).join("\n") }
}

/** Runs some tests of one file; their outcomes, or what kept them from running. */
const runTests = (place, test, patterns) =>
  new Promise((done) => {
    const report = join(place, "report.json")
    Fs.rmSync(report, { force: true })
    const vitest = join(place, "node_modules", "vitest", "vitest.mjs")
    const args = [
      "run",
      "--configLoader",
      "runner",
      join(place, test),
      "-t",
      patterns.join("|"),
      ...options,
      "--reporter=json",
      "--outputFile"
    ]
    const child = spawn(process.execPath, [vitest, ...args, report], {
      cwd: place,
      env: { ...process.env, NO_COLOR: "1", TMPDIR: join(place, "tmp") },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let words = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => words = (words + chunk).slice(-4000))
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), longestRun)
    child.on("close", () => {
      clearTimeout(timer)
      endLeftovers(place)
      done(readReport(report, words))
    })
  })

const firstLine = (text) => text.trim().split("\n")[0]?.slice(0, 160) ?? ""

/** A program that does not compile, or a test that waits for ever, proves nothing. */
const judge = ({ tests, trouble }, fails = "AssertionError") => {
  const failures = tests.filter(({ status }) => status === "failed")
    .map(({ failureMessages }) => failureMessages.join("\n"))
  const telling = failures.find((text) => text.includes(fails))
  if (telling !== undefined) return { caught: true, words: firstLine(telling) }
  if (failures.length > 0) return { caught: false, words: `no ${fails}: ${firstLine(failures[0])}` }
  return { caught: false, words: tests.length > 0 ? "the test passes" : `no test ran ${firstLine(trouble)}` }
}

/** What is wrong with tests of code that nobody has broken. */
const complaintsOf = ({ tests, trouble }, patterns) => {
  const failed = tests.filter(({ status }) => status === "failed")
  const absent = patterns.filter((pattern) => !tests.some(({ fullName }) => new RegExp(pattern).test(fullName)))
  return [
    ...failed.map(({ failureMessages, fullName }) => `${fullName}: ${firstLine(failureMessages.join("\n"))}`),
    ...absent.map((pattern) => `no test named ${pattern} ran ${firstLine(trouble)}`)
  ]
}

const byTest = (mutants) => {
  const groups = new Map()
  for (const { caughtBy, test } of mutants) groups.set(test, new Set([...(groups.get(test) ?? []), caughtBy]))
  return [...groups].map(([test, patterns]) => [test, [...patterns]])
}

/** Gives each job to the next free copy. */
const spread = async (places, jobs, run) => {
  const waiting = [...jobs]
  await Promise.all(places.map(async (place) => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await run(place, job)
  }))
}

/** Test files that do not pass as they are, and so cannot show anything. */
const unsoundTests = async (mutants, places) => {
  const unsound = new Set()
  await spread(places, byTest(mutants), async (place, [test, patterns]) => {
    const complaints = complaintsOf(await runTests(place, test, patterns), patterns)
    if (complaints.length === 0) return
    unsound.add(test)
    console.error(`fails without a mutant: ${test}\n  ${complaints.join("\n  ")}`)
  })
  return unsound
}

const proveOne = async (place, mutant) => {
  const files = mutatedFiles(place, mutant)
  for (const { mutated, path } of files) Fs.writeFileSync(path, mutated)
  const result = judge(await runTests(place, mutant.test, [mutant.caughtBy]), mutant.fails)
  for (const { original, path } of files) Fs.writeFileSync(path, original)
  return result
}

/** The mutants that are not caught; `places` are copies to work in, `passed` tells that all tests have just passed. */
export const uncaughtOf = async (mutants, places, passed) => {
  const unsound = passed ? new Set() : await unsoundTests(mutants, places)
  const uncaught = mutants.filter(({ test }) => unsound.has(test))
  await spread(places, mutants.filter(({ test }) => !unsound.has(test)), async (place, mutant) => {
    const start = performance.now()
    const { caught, words } = await proveOne(place, mutant)
    if (!caught) uncaught.push(mutant)
    const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(5)
    console.log(`${caught ? "caught " : "MISSED "}${seconds} s  ${mutant.defence.padEnd(64)} ${words}`)
  })
  return uncaught
}
