/** Help in columns. What `@effect/cli` prints takes six lines for an option and tells its type in a sentence. */
import * as CliConfig from "@effect/cli/CliConfig"
import type * as Command from "@effect/cli/Command"
import * as CommandDescriptor from "@effect/cli/CommandDescriptor"
import type * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"
import type { CompletableOption } from "./completions.js"
import { paint } from "./style.js"

type Described = Pick<Command.Command<string, unknown, unknown, unknown>, "descriptor">

const textOf = (span: Span.Span): string => {
  switch (span._tag) {
    case "Text":
    case "URI":
      return span.value
    case "Sequence":
      return textOf(span.left) + textOf(span.right)
    default:
      return textOf(span.value)
  }
}

/** What the types and the brackets say already. */
const isNoise = (text: string): boolean =>
  /^(A user-defined piece of text\.|A true or false value\.|An integer\.|One of the following: .*|This setting is optional\.|This option may be repeated.*|)$/
    .test(text)

const paragraphs = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> => {
  switch (doc._tag) {
    case "Paragraph":
      return [textOf(doc.value)].filter((text) => !isNoise(text.trim()))
    case "Sequence":
      return [...paragraphs(doc.left), ...paragraphs(doc.right)]
    default:
      return []
  }
}

interface Section {
  readonly title: string
  readonly text: Array<string>
  readonly rows: Array<readonly [term: string, text: string]>
}

/** The sections below headings, in order. */
const sectionsOf = (doc: HelpDoc.HelpDoc, found: Array<Section> = []): Array<Section> => {
  switch (doc._tag) {
    case "Header":
      found.push({ title: textOf(doc.value), text: [], rows: [] })
      break
    case "Sequence":
      sectionsOf(doc.left, found)
      sectionsOf(doc.right, found)
      break
    case "DescriptionList":
      for (const [term, text] of doc.definitions) found.at(-1)?.rows.push([textOf(term), paragraphs(text).join(" ")])
      break
    default:
      found.at(-1)?.text.push(...paragraphs(doc))
  }
  return found
}

const width = 110

const wrap = (text: string, indent: number): string => {
  const lines = [""]
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? ""
    if (line !== "" && indent + line.length + word.length >= width) lines.push(word)
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`
  }
  return lines.join(`\n${" ".repeat(indent)}`)
}

const table = (rows: Section["rows"]): string => {
  const widest = Math.max(...rows.map(([term]) => term.length)) + 4
  return rows.map(([term, text]) => `  ${term.padEnd(widest - 2)}${wrap(text, widest)}\n`).join("")
}

const bold = (text: string) => paint(process.stdout, "bold", text)

interface Option {
  /** `-s, --session` */
  readonly names: string
  /** `text`, or the choices; empty for a switch. */
  readonly value: string
}

/** Reads `(-s, --session text)`. */
const optionOf = (term: string): Option => {
  const [, names = "", value = ""] = /^\(?((?:-[^ ,)]+(?:, )?)+)(?: ([^)]*))?\)?(?:\.\.\.)?$/.exec(term) ?? []
  return { names, value: value.replaceAll(" | ", "|") }
}

const described = ({ descriptor }: Described): ReadonlyArray<Section> =>
  sectionsOf(CommandDescriptor.getHelp(descriptor, CliConfig.make({ showBuiltIns: false })))

const rowsOf = (sections: ReadonlyArray<Section>, title: string): Section["rows"] =>
  sections.find((section) => section.title === title)?.rows ?? []

/** The options of a command, as they are completed. */
export const completableOf = (command: Described): ReadonlyArray<CompletableOption> =>
  rowsOf(described(command), "OPTIONS").map(([term, text]) => {
    const { names, value } = optionOf(term)
    return { names: names.split(", "), value, text }
  })

/** The options of a command by all their names, with what each takes. */
export const optionsOf = (command: Described): ReadonlyMap<string, string> =>
  new Map(completableOf(command).flatMap(({ names, value }) => names.map((name) => [name, value] as const)))

/** Of one command. `rest` is what stands after its arguments. */
export const commandHelp = (name: string, command: Described, rest: string): string => {
  const sections = described(command)
  const args = rowsOf(sections, "ARGUMENTS")
  const options = rowsOf(sections, "OPTIONS").map(([term, text]) => {
    const { names, value } = optionOf(term)
    return [value === "" ? names : `${names} <${value}>`, text] as const
  })
  const usage = ["agb", name, "[options]", ...args.map(([term]) => term), rest].filter((word) => word !== "").join(" ")
  return [
    `${bold("usage:")} ${usage}\n`,
    `${wrap(sections.find(({ title }) => title === "DESCRIPTION")?.text.join(" ") ?? "", 0)}\n`,
    ...args.length === 0 ? [] : [`${bold("arguments:")}\n${table(args)}`],
    ...options.length === 0 ? [] : [`${bold("options:")}\n${table(options)}`]
  ].join("\n")
}

const firstSentence = (text: string): string => /^.*?[.:](?= |$)/.exec(text)?.[0].replace(/:$/, ".") ?? text

/** What a command does, in a sentence. */
export const summaryOf = (command: Described): string => firstSentence(described(command)[0]?.text.join(" ") ?? "")

/** Of the program. */
export const programHelp = (commands: ReadonlyArray<readonly [name: string, command: Described]>): string => {
  const rows = commands.map(([name, command]) => [name, summaryOf(command)] as const)
  return [
    `${bold("usage:")} agb <command> [options]\n`,
    "Sessions: isolated machines for code and commands, in the AGB cloud (AGB_API_KEY) or, with --local, on this\nmachine.\n",
    `${bold("commands:")}\n${table(rows)}`,
    `${bold("examples:")}`,
    "  agb run --local chart.py             runs a file on this machine and saves its figures beside it",
    "  agb exec -s $(agb create) -- ls -l   runs a command in a new session, which stays",
    "  agb sh                               opens a shell in a session of its own\n",
    "`agb <command> --help` describes a command, `agb --completions bash|zsh|fish` prints completions, `agb\n--version` the version.\n"
  ].join("\n")
}
