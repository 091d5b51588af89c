/** The pages of the documentation, and what the tests look for in them. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, posix, relative } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../../", import.meta.url))

export interface Page {
  /** Relative to the root of the repository. */
  readonly path: string
  readonly text: string
}

export interface Block {
  readonly page: string
  /** What stands behind the opening fence, e.g. `ts`. */
  readonly info: string
  /** The line of the page on which the code starts, from 1. */
  readonly line: number
  readonly code: string
}

const markdownIn = (folder: string): ReadonlyArray<string> =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => posix.join(folder, file))
      .sort()
    : []

const packagePages = ["core", "platform-node", "ai"].map((name) => `packages/${name}/README.md`)
const topPages = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]

/** Every page that a reader is sent to, the API reference included. */
export const pages: ReadonlyArray<Page> = [...topPages, ...packagePages, ...markdownIn("docs")]
  .filter((path) => existsSync(join(root, path)))
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }))

export const page = (path: string): Page => {
  const found = pages.find((page) => page.path === path)
  if (found === undefined) throw new Error(`there is no ${path}`)
  return found
}

/** The fenced blocks of a page. */
export const blocksOf = ({ path, text }: Page): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  let open: { readonly info: string; readonly start: number } | undefined
  const lines = text.split("\n")
  lines.forEach((line, index) => {
    if (!line.startsWith("```")) return
    if (open === undefined) {
      open = { info: line.slice(3).trim(), start: index + 1 }
      return
    }
    const code = lines.slice(open.start, index).join("\n") + "\n"
    blocks.push({ page: path, info: open.info, line: open.start + 1, code })
    open = undefined
  })
  if (open !== undefined) throw new Error(`${path}: the block at line ${open.start} is not closed`)
  return blocks
}

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, "")

/** Targets of the links of a page that lead to other files of the repository or to headings. */
export const linksOf = ({ text }: Page): ReadonlyArray<string> =>
  [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? "")
    .filter((target) => !/^[a-z]+:/.test(target))

/** Anchors as GitHub and GitLab make them of headings; a heading that occurs again gets a number. */
const anchorsOf = (text: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const [, heading = ""] of withoutCode(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
    let anchor = slug
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`
    anchors.add(anchor)
  }
  return anchors
}

/** Undefined where the link leads somewhere. */
export const deadEnd = ({ path, text }: Page, link: string): string | undefined => {
  const [file = "", anchor] = link.split("#")
  const target = file === "" ? path : relative(root, join(root, dirname(path), file))
  if (!existsSync(join(root, target))) return `${path}: ${link} leads to no file`
  if (anchor === undefined) return undefined
  const anchors = anchorsOf(file === "" ? text : readFileSync(join(root, target), "utf8"))
  return anchors.has(anchor) ? undefined : `${path}: ${link} leads to no heading`
}
