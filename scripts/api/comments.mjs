// What the comment of a module or an export says.
import ts from "typescript"

const plain = (comment) => (ts.getTextOfJSDocComment(comment) ?? "").trim()

const read = (jsDoc) => {
  const tags = (jsDoc.tags ?? []).map((tag) => ({ name: tag.tagName.text, text: plain(tag.comment) }))
  const first = (name) => tags.find((tag) => tag.name === name)?.text
  return {
    description: plain(jsDoc.comment),
    category: first("category"),
    since: first("since"),
    experimental: first("experimental"),
    deprecated: first("deprecated"),
    isInternal: first("internal") !== undefined,
    examples: tags.filter((tag) => tag.name === "example").map((tag) => tag.text)
  }
}

const merge = (one, other) => ({
  description: one.description === "" ? other.description : one.description,
  category: one.category ?? other.category,
  since: one.since ?? other.since,
  experimental: one.experimental ?? other.experimental,
  deprecated: one.deprecated ?? other.deprecated,
  isInternal: one.isInternal || other.isInternal,
  examples: [...one.examples, ...other.examples]
})

const nothing = { description: "", isInternal: false, examples: [] }

const commentsOf = (node) => ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).slice(-1).map(read)

const defined = (comment) => Object.fromEntries(Object.entries(comment).filter(([, value]) => value !== undefined))

/** The comment where the symbol is exported comes before those where it is declared. */
export const commentOf = (...symbols) =>
  defined(symbols.flatMap((symbol) => symbol.declarations ?? []).flatMap(commentsOf).reduce(merge, nothing))

/** The head comment of a module: the first one, which stands before everything. */
export const headOf = (source) => {
  const first = source.statements[0]
  const head = (first?.jsDoc ?? [])[0]
  return head === undefined ? nothing : read(head)
}
