/** Scripts by which bash, zsh and fish complete the arguments of `agb`. Those of `@effect/cli` offer no files, and in zsh no commands. */

export interface CompletableOption {
  /** `-s` and `--session`. */
  readonly names: ReadonlyArray<string>
  /** `text`, or the choices with `|` between; empty for a switch. */
  readonly value: string
  readonly text: string
}

export interface Completable {
  readonly name: string
  readonly text: string
  readonly options: ReadonlyArray<CompletableOption>
  /** Whether its arguments may be files of this machine. */
  readonly takesFiles: boolean
}

export const shells = ["bash", "zsh", "fish"] as const

export type Shell = (typeof shells)[number]

const program: ReadonlyArray<CompletableOption> = [
  { names: ["-h", "--help"], value: "", text: "lists the commands" },
  { names: ["--version"], value: "", text: "prints the version" },
  { names: ["--completions"], value: shells.join("|"), text: "prints completions for a shell" }
]

const help: CompletableOption = { names: ["-h", "--help"], value: "", text: "describes the command" }

const withHelp = ({ options }: Completable) => [...options, help]

const choicesOf = ({ value }: CompletableOption): string => value.includes("|") ? value.replaceAll("|", " ") : ""

const isDirectory = ({ names }: CompletableOption): boolean => names.includes("--output")

/** A word of a shell, whatever it contains. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** Where nothing is offered, bash offers files. */
const bash = (commands: ReadonlyArray<Completable>): string => {
  const names = (options: ReadonlyArray<CompletableOption>) => options.flatMap(({ names }) => names).join(" ")
  const values = (command: string, options: ReadonlyArray<CompletableOption>) =>
    options.filter((option) => choicesOf(option) !== "").flatMap((option) =>
      option.names.map((name) => `    '${command}${name}') words='${choicesOf(option)}' ;;\n`)
    ).join("")
  return `_agb() {
  local word words='' cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:0:COMP_CWORD}"; do [[ $word == -- ]] && return; done
  if ((COMP_CWORD == 1)); then words='${commands.map(({ name }) => name).join(" ")} ${names(program)}'
  elif ((COMP_CWORD == 2)) && [[ $prev == --completions ]]; then words='${shells.join(" ")}'
  else case "$command $prev" in
${
    commands.map((command) => values(`${command.name} `, command.options)).join("")
  }    *) [[ $cur == -* ]] && case $command in
${commands.map((command) => `      ${command.name}) words='${names(withHelp(command))}' ;;\n`).join("")}    esac ;;
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _agb agb`
}

const zshOption = (option: CompletableOption): string => {
  const { names, text, value } = option
  const spec = `[${text.replace(/[[\]:\\]/g, "\\$&")}]${
    value === ""
      ? ""
      : choicesOf(option) === ""
      ? `:${value}:${isDirectory(option) ? "_files -/" : ""}`
      : `: :(${choicesOf(option)})`
  }`
  return names.map((name) => ` \\\n      ${quoted(`${name}${spec}`)}`).join("")
}

const zsh = (commands: ReadonlyArray<Completable>): string =>
  `#compdef agb
_agb() {
  local command=$words[2]
  local -a commands=(
${commands.map(({ name, text }) => `    ${quoted(`${name}:${text}`)}\n`).join("")}  )
  if (( CURRENT == 2 )); then
    _describe -t commands command commands
    _arguments${program.map(zshOption).join("")}
    return
  fi
  [[ $command == --completions ]] && { compadd ${shells.join(" ")}; return }
  (( \${words[(i)--]} < CURRENT )) && { _files; return }
  shift words; (( CURRENT-- ))
  case $command in
${
    commands.map((command) =>
      `    ${command.name}) _arguments -s${withHelp(command).map(zshOption).join("")} \\\n      ${
        command.takesFiles ? "'*:file:_files'" : "'*: :'"
      } ;;\n`
    ).join("")
  }  esac
}
if [[ $funcstack[1] == _agb ]]; then _agb "$@"; else compdef _agb agb; fi`

const fishText = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`

const fishOption = (condition: string, option: CompletableOption): string => {
  const names = option.names.map((name) => name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)
  const value = option.value === ""
    ? ""
    : isDirectory(option)
    ? " -x -a '(__fish_complete_directories)'"
    : ` -x${choicesOf(option) === "" ? "" : ` -a '${choicesOf(option)}'`}`
  return `complete -c agb -n ${fishText(condition)} ${names.join(" ")}${value} -d ${fishText(option.text)}\n`
}

const fish = (commands: ReadonlyArray<Completable>): string =>
  `function __agb_is
  set -l words (commandline -opc)
  test (count $words) -gt 1; and test "$words[2]" = $argv[1]; and not contains -- -- $words
end
function __agb_begins
  set -l words (commandline -opc)
  test (count $words) -eq 1; or test "$words[2]" = --completions
end
complete -c agb -n __agb_begins -f
${program.map((option) => fishOption("__agb_begins", option)).join("")}${
    commands.map(({ name, text }) => `complete -c agb -n __agb_begins -a ${name} -d ${fishText(text)}\n`).join("")
  }${
    commands.map((command) =>
      (command.takesFiles ? "" : `complete -c agb -n '__agb_is ${command.name}' -f\n`) +
      withHelp(command).map((option) => fishOption(`__agb_is ${command.name}`, option)).join("")
    ).join("")
  }`

const writers = { bash, zsh, fish }

/** The script for a shell. */
export const completions = (shell: Shell, commands: ReadonlyArray<Completable>): string =>
  `${writers[shell](commands).trimEnd()}\n`

/** The options in the text of a program's `--help`, such as that of `agb local`. */
export const optionsIn = (usage: string): ReadonlyArray<CompletableOption> =>
  [...usage.matchAll(/^ {2}(--(?!help\b)[\w-]+)(?: <([^>]+)>)? +(\S.*)$/gm)].map((
    [, name = "", value = "", text = ""]
  ) => ({
    names: [name],
    value,
    text
  }))
