/** Completions, as the shells that load them complete. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { agb, folder } from "./support/agb.js"

const shells = ["bash", "zsh", "fish"] as const

type Shell = (typeof shells)[number]

const script = (shell: Shell) => Path.join(folder, `_agb.${shell}`)

const isInstalled = (shell: Shell) => spawnSync(shell, ["-c", "true"]).status === 0

const run = (shell: Shell, ...args: ReadonlyArray<string>): ReadonlyArray<string> =>
  execFileSync(shell, args, { encoding: "utf8", cwd: folder }).split("\n").filter((line) => line !== "")

/** What is offered for the last word, without descriptions. */
const offers: Readonly<Record<Shell, (words: ReadonlyArray<string>) => ReadonlyArray<string>>> = {
  bash: (words) =>
    run(
      "bash",
      "-c",
      `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _agb; printf '%s\\n' "\${COMPREPLY[@]}"`,
      script("bash"),
      ...words
    ),
  // Completion needs a terminal, so that it is asked what it would add.
  zsh: (words) =>
    run(
      "zsh",
      "-f",
      "-c",
      `autoload -U is-at-least
compdef() { : }
_describe() { print -rl -- "\${(@)\${(@P)argv[-1]}%%:*}" }
_arguments() { print -rl -- "$@" }
_files() { print files }
compadd() { print -rl -- "$@" }
file=$1; shift
words=("$@"); CURRENT=$#
source $file; _agb`,
      "zsh",
      script("zsh"),
      ...words
    ),
  fish: (words) =>
    run("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", script("fish"), words.join(" ")).map(
      (line) => line.replace(/\t.*/, "")
    )
}

beforeAll(async () => {
  for (const shell of shells) {
    const { code, stdout } = await agb(["--completions", shell])
    assert.strictEqual(code, 0)
    assert.notMatch(stdout, /--(log-level|wizard)/)
    Fs.writeFileSync(script(shell), stdout)
  }
  Fs.writeFileSync(Path.join(folder, "chart.py"), "")
})

afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

describe("agb --completions", () => {
  for (const shell of shells) {
    if (!isInstalled(shell)) {
      it.skip(`not run: ${shell} is not installed`, () => {})
      continue
    }
    const offered = (...words: ReadonlyArray<string>) => offers[shell](["agb", ...words])
    const has = (found: ReadonlyArray<string>, word: string) =>
      assert.isTrue(found.some((one) => one === word || one.startsWith(`${word}[`)), `${word}: ${found.join(" ")}`)

    it(`${shell} offers commands, options, choices and files`, () => {
      for (const name of ["run", "exec", "forward", "local"]) has(offered(""), name)
      for (const name of ["--language", "--session", "--help"]) has(offered("run", "--"), name)
      has(offered("local", "--"), "--allow-host")
      assert.notInclude(offered("run", "--").join(" "), "--completions")
      const isolation = offered("run", "--isolation", "")
      for (const level of ["auto", "namespaces", "landlock", "none"]) {
        if (shell === "bash") assert.include(isolation, level)
        else assert.include(isolation.join(" "), level)
      }
      has(offered("--completions", ""), "fish")
      const files = offered("run", "ch").join("\n")
      // bash offers them by itself where the script offers nothing.
      assert.include(
        shell === "bash" ? Fs.readFileSync(script("bash"), "utf8") : files,
        {
          bash: "complete -o bashdefault -o default",
          zsh: "*:file:_files",
          fish: "chart.py"
        }[shell]
      )
      assert.notInclude(offered("ls", "ch").join("\n"), "chart.py")
      assert.notInclude(offered("exec", "--", "--").join("\n"), "--session")
    })
  }
})
