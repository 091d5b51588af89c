// Pages in the Markdown that forges render: no front matter, links that work in a checkout.

const titles = {
  constructors: "Constructors",
  layers: "Layers",
  main: "Running",
  models: "Models",
  schemas: "Schemas",
  tags: "Services"
}

const order = ["tags", "layers", "constructors", "combinators", "main", "models", "errors", "guards", "schemas"]

const rank = (category) => order.includes(category) ? order.indexOf(category) : order.length

const titleOf = (category) => titles[category] ?? category[0].toUpperCase() + category.slice(1)

/** How GitHub and GitLab make an anchor of a heading; one that occurs again gets a number. */
const anchors = () => {
  const seen = new Map()
  return (heading) => {
    const slug = heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  }
}

const linked = (text, targets) =>
  text.replace(/\{@link\s+([^}\s|]+)[^}]*\}/g, (_, name) => {
    const anchor = targets.get(name)
    return anchor === undefined ? `\`${name}\`` : `[\`${name}\`](#${anchor})`
  })

const firstSentence = (text) => {
  const paragraph = text.split("\n\n")[0].replace(/\s+/g, " ")
  return /^.*?\.(?= |$)/.exec(paragraph)?.[0] ?? paragraph
}

const grouped = (entries) => {
  const categories = [...new Set(entries.map(({ category }) => category))]
  return categories
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((category) => ({ title: titleOf(category), entries: entries.filter((entry) => entry.category === category) }))
}

const stability = ({ deprecated, experimental }) => [
  ...(experimental === undefined ? [] : [`**Experimental.** ${experimental}`.trim()]),
  ...(deprecated === undefined ? [] : [`**Deprecated.** ${deprecated}`.trim()])
]

const entryOf = (entry, { since, targets }) => [
  `### ${entry.name}`,
  ...stability(entry),
  ...(entry.description === "" ? [] : [linked(entry.description, targets)]),
  `\`\`\`typescript\n${entry.code}\n\`\`\``,
  ...entry.examples.flatMap((example) => ["Example:", example]),
  ...(entry.since === since ? [] : [`Since ${entry.since}.`])
]

const importOf = ({ isIndexed, name, packageName }) =>
  isIndexed ? `import { ${name} } from "${packageName}"` : `import * as ${name} from "${packageName}/${name}"`

/** `entries` have a name, a category, what their comment says and `code`. */
export const modulePage = ({ entries, head, isIndexed, name, packageName }) => {
  const groups = grouped(entries)
  const anchor = anchors()
  anchor(name)
  const targets = new Map()
  for (const group of groups) {
    group.anchor = anchor(group.title)
    for (const entry of group.entries) targets.set(entry.name, anchor(entry.name))
  }
  const contents = groups.map((group) =>
    `- [${group.title}](#${group.anchor}): ` +
    group.entries.map((entry) => `[\`${entry.name}\`](#${targets.get(entry.name)})`).join(", ")
  )
  const parts = [
    `# ${name}`,
    `\`\`\`ts\n${importOf({ isIndexed, name, packageName })}\n\`\`\``,
    ...stability(head),
    linked(head.description, targets),
    ...head.examples,
    `Since ${head.since}.`,
    contents.join("\n"),
    ...groups.flatMap((group) => [
      `## ${group.title}`,
      ...group.entries.flatMap((entry) => entryOf(entry, { since: head.since, targets }))
    ])
  ]
  return parts.join("\n\n") + "\n"
}

/** `packages` have a name, a description and the modules with their heads. */
export const indexPage = (packages) => {
  const parts = [
    "# API reference",
    "Made from the sources by `pnpm run docs`.",
    ...packages.flatMap(({ description, folder, modules, name }) => [
      `## ${name}`,
      `${description}.`,
      [
        "| module | |",
        "|---|---|",
        ...modules.map(({ head, name }) => {
          const mark = head.experimental === undefined ? "" : "Experimental. "
          return `| [${name}](${folder}/${name}.md) | ${mark}${
            firstSentence(head.description).replaceAll("|", "\\|")
          } |`
        })
      ].join("\n")
    ])
  ]
  return parts.join("\n\n") + "\n"
}
