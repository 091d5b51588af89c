// Proves that the tests can fail: breaks one defence at a time in a copy of the packages and demands that the test which
// watches over it fails on an assertion.
//
//     node scripts/weakened.mjs [--as-nobody] [--sample n] [name of a list, or part of the name of a defence ...]
//
// With --as-nobody, for root only, the same in a copy of the checkout that belongs to a user without rights. With --sample
// only every nth defence is broken; of the others it is only checked that the code to break is still there.
import { spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { basename, dirname, join, relative, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..")
const lists = join("packages", "platform-node", "test", "weakened")
const nobody = 65_534
const longestRun = 120_000
/** So that a test which waits in vain comes to its assertion on a slow machine too. */
const patience = ["--testTimeout=30000", "--hookTimeout=30000"]
const isRoot = process.getuid?.() === 0

/** A broken build may leave folders behind that its sandboxed code has locked, or made deeper than any path. */
const removeAll = (folder) => {
  spawnSync("chmod", ["-R", "u+rwX", folder])
  spawnSync("rm", ["-rf", folder])
}

/**
 * A copy of the packages that others do not see changes of; what is installed is shared. Its agent is built by the tests,
 * as everywhere.
 */
const copyOf = (place) => {
  Fs.mkdirSync(join(place, "tmp"), { recursive: true })
  Fs.chmodSync(join(place, "tmp"), 0o1777)
  for (const name of ["package.json", "scripts"]) Fs.cpSync(join(root, name), join(place, name), { recursive: true })
  Fs.symlinkSync(Fs.realpathSync(join(root, "node_modules")), join(place, "node_modules"))
  for (const name of Fs.readdirSync(join(root, "packages"))) {
    const [from, to] = [join(root, "packages", name), join(place, "packages", name)]
    Fs.mkdirSync(to, { recursive: true })
    for (const part of ["package.json", "vitest.config.ts", "agent", "src", "test"]) {
      if (Fs.existsSync(join(from, part))) Fs.cpSync(join(from, part), join(to, part), { recursive: true })
    }
    linkInstalled(join(from, "node_modules"), join(to, "node_modules"), place)
  }
  return place
}

const linkInstalled = (from, to, place) => {
  Fs.mkdirSync(to, { recursive: true })
  for (const name of Fs.readdirSync(from)) {
    if (name.startsWith(".")) continue
    if (name.startsWith("@")) linkInstalled(join(from, name), join(to, name), place)
    else {
      const target = Fs.realpathSync(join(from, name))
      const inside = relative(root, target)
      Fs.symlinkSync(inside.startsWith("packages") ? join(place, inside) : target, join(to, name))
    }
  }
}

const readLists = async () => {
  const files = Fs.readdirSync(join(root, lists)).filter((name) => name.endsWith(".mjs")).sort()
  const modules = await Promise.all(files.map((name) => import(pathToFileURL(join(root, lists, name)).href)))
  return modules.flatMap((module, index) =>
    module.default.map((weakening) => ({ ...weakening, list: basename(files[index], ".mjs") }))
  )
}

const changed = (text, [find, replacement], where) => {
  const times = text.split(find).length - 1
  if (times !== 1) throw new Error(`${where}: occurs ${times} times instead of once: ${find}`)
  return text.replace(find, () => replacement)
}

/** The files of a weakening, as they are and with its changes made. Throws where the code has moved on. */
const weakenedFiles = (place, { changes }) =>
  Object.entries(changes).map(([file, edits]) => {
    const whole = Fs.readFileSync(join(place, file), "utf8")
    return { path: join(place, file), whole, weak: edits.reduce((text, edit) => changed(text, edit, file), whole) }
  })

/** Runs some tests of one file; their outcomes, or what kept them from running. */
const runTests = (place, file, patterns) =>
  new Promise((done) => {
    const report = join(place, "report.json")
    Fs.rmSync(report, { force: true })
    const vitest = join(place, "node_modules", "vitest", "vitest.mjs")
    const names = patterns.join("|")
    const args = ["run", join(place, file), "-t", names, ...patience, "--reporter=json", "--outputFile", report]
    const child = spawn(process.execPath, [vitest, ...args], {
      cwd: join(place, ...file.split("/", 2)),
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

const readReport = (file, words) => {
  if (!Fs.existsSync(file)) return { tests: [], trouble: `no report: ${words.trim()}` }
  const { testResults } = JSON.parse(Fs.readFileSync(file, "utf8"))
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "passed" || status === "failed")
  const trouble = testResults.filter(({ assertionResults }) => assertionResults.length === 0).map(({ message }) =>
    message
  )
  return { tests, trouble: trouble.join("\n") }
}

const textOf = (path) => {
  try {
    return Fs.readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

/** A broken build may leave its sandboxes behind: what has the copy in its command line or environment is ended. */
const endLeftovers = (place) => {
  const isOurs = (pid) => `${textOf(`/proc/${pid}/cmdline`)}${textOf(`/proc/${pid}/environ`)}`.includes(`${place}/`)
  for (const pid of Fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    if (!isOurs(pid)) continue
    try {
      process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has ended with another.
    }
  }
}

const firstLine = (text) => text.trim().split("\n")[0]?.slice(0, 160) ?? ""

/** A program that does not compile, or a test that waits for ever, proves nothing. */
const judgeWeakened = ({ tests, trouble }, fails = "AssertionError") => {
  const words = tests.filter(({ status }) => status === "failed").map(({ failureMessages }) =>
    failureMessages.join("\n")
  )
  const telling = words.find((text) => text.includes(fails))
  if (telling !== undefined) return { proven: true, words: firstLine(telling) }
  if (words.length > 0) return { proven: false, words: `no ${fails}: ${firstLine(words[0])}` }
  return { proven: false, words: tests.length > 0 ? "the test passes" : `no test ran ${firstLine(trouble)}` }
}

const judgeWhole = ({ tests, trouble }, patterns) => {
  const failed = tests.filter(({ status }) => status === "failed")
  const absent = patterns.filter((pattern) => !tests.some(({ fullName }) => new RegExp(pattern).test(fullName)))
  return [
    ...failed.map(({ failureMessages, fullName }) => `${fullName}: ${firstLine(failureMessages.join("\n"))}`),
    ...absent.map((pattern) => `no test named ${pattern} ran ${firstLine(trouble)}`)
  ]
}

const groupByFile = (weakenings) => {
  const groups = new Map()
  for (const { caughtBy: [file, pattern] } of weakenings) {
    groups.set(file, [...new Set([...(groups.get(file) ?? []), pattern])])
  }
  return [...groups]
}

/** Gives each job to the next free copy. */
const spread = async (places, jobs, run) => {
  const waiting = [...jobs]
  await Promise.all(places.map(async (place) => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await run(place, job)
  }))
}

const proveOne = async (place, weakening) => {
  const files = weakenedFiles(place, weakening)
  for (const { path, weak } of files) Fs.writeFileSync(path, weak)
  const [file, pattern] = weakening.caughtBy
  const result = judgeWeakened(await runTests(place, file, [pattern]), weakening.fails)
  for (const { path, whole } of files) Fs.writeFileSync(path, whole)
  return result
}

/** What cannot be weakened, because the code has moved on. */
const outdated = (place, weakenings) =>
  weakenings.filter((weakening) => {
    try {
      weakenedFiles(place, weakening)
      return false
    } catch (error) {
      console.error(`cannot be weakened: ${weakening.defence}: ${error.message}`)
      return true
    }
  })

/** What does not pass as it is cannot show anything: the files of such tests, and what they complain about. */
const proveWhole = async (weakenings, places) => {
  const complaints = new Map()
  await spread(places, groupByFile(weakenings), async (place, [file, patterns]) => {
    const found = judgeWhole(await runTests(place, file, patterns), patterns)
    if (found.length > 0) complaints.set(file, found)
  })
  for (const [file, found] of complaints) console.error(`fails unweakened: ${file}\n  ${found.join("\n  ")}`)
  return complaints
}

const prove = async (weakenings, stale, places) => {
  const current = weakenings.filter((weakening) => !stale.includes(weakening))
  const complaints = await proveWhole(current, places)
  const isSound = ({ caughtBy: [file] }) => !complaints.has(file)
  const unproven = [...stale, ...current.filter((weakening) => !isSound(weakening))]
  await spread(places, current.filter(isSound), async (place, weakening) => {
    const start = performance.now()
    const { proven, words } = await proveOne(place, weakening)
    if (!proven) unproven.push(weakening)
    const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(5)
    console.log(`${proven ? "caught " : "MISSED "}${seconds} s  ${weakening.defence.padEnd(64)} ${words}`)
  })
  return unproven.map(({ defence }) => defence)
}

const main = async (wanted, sample) => {
  const who = isRoot ? "root" : "nobody"
  const isWanted = ({ defence, list }) =>
    wanted.length === 0 || wanted.some((word) => list === word || defence.includes(word))
  const all = (await readLists()).filter(isWanted)
  const possible = all.filter(({ only }) => only === undefined || only === who)
  const moved = outdated(root, possible)
  const weakenings = possible.filter((weakening, index) => index % sample === 0 || moved.includes(weakening))
  const start = performance.now()
  const folder = Fs.mkdtempSync(join(Fs.realpathSync(tmpdir()), "agb-weakened-"))
  Fs.chmodSync(folder, 0o755)
  try {
    const count = Math.min(4, Math.max(2, availableParallelism()))
    const places = Array.from({ length: count }, (_, index) => copyOf(join(folder, String(index))))
    const unproven = await prove(weakenings, moved, places)
    const seconds = Math.round((performance.now() - start) / 1000)
    console.log(
      `${weakenings.length - unproven.length} of ${weakenings.length} defences proven as ${who} in ${seconds} s`
    )
    for (const defence of unproven) console.error(`not proven: ${defence}`)
    if (unproven.length > 0 || weakenings.length === 0) process.exitCode = 1
  } finally {
    removeAll(folder)
  }
}

/** The same as a user who owns nothing but a copy of the checkout. */
const asNobody = (given) => {
  const folder = Fs.mkdtempSync(join(Fs.realpathSync(tmpdir()), "agb-nobody-"))
  Fs.chmodSync(folder, 0o755)
  try {
    const place = copyOf(join(folder, "checkout"))
    spawnSync("chown", ["-R", `${nobody}:${nobody}`, folder], { stdio: "inherit" })
    const become = ["--reuid", `${nobody}`, "--regid", `${nobody}`, "--clear-groups", "--inh-caps=-all"]
    const { status } = spawnSync(
      "setpriv",
      [...become, process.execPath, join(place, "scripts", "weakened.mjs"), ...given],
      { cwd: place, env: { PATH: process.env.PATH, HOME: folder }, stdio: "inherit" }
    )
    process.exitCode = status ?? 1
  } finally {
    removeAll(folder)
  }
}

const { positionals, values: { "as-nobody": nobodyWanted, sample } } = parseArgs({
  allowPositionals: true,
  options: { "as-nobody": { type: "boolean", default: false }, sample: { type: "string", default: "1" } }
})
const every = Number(sample)
if (!Number.isInteger(every) || every < 1) throw new Error("--sample must be a whole number above 0")
if (nobodyWanted && isRoot) asNobody([...positionals, "--sample", sample])
else await main(positionals, every)
