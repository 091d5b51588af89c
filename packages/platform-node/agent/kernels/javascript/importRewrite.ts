/**
 * Module syntax for code that is evaluated as a script: imports become dynamic imports on the same lines, and `export` is
 * removed from declarations. The code is tokenised just enough to tell keywords from strings, comments and regular
 * expressions.
 */

/** The global that replaces `import(…)`, which is not available to code evaluated by the inspector. */
export const importName = "__import"

/** The global that replaces `import.meta`. */
export const metaName = "__importMeta"

const statement = new RegExp(
  /import\s*(?:(?<clause>[^"'`;()]+?)\s*\bfrom\s*)?(?<from>"[^"\n]*"|'[^'\n]*')/.source +
    /(?:\s*(?:with|assert)\s*(?<options>\{[^}]*\}))?[ \t]*;?/.source,
  "y"
)

const space = /\s*/y
const token =
  /\/\/.*|\/\*[^]*?\*\/|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'|[\p{ID_Start}$_][\p{ID_Continue}$]*|\d[\w.]*|\S/uy
const templatePart = /(?:\\[^]|[^\\`$]|\$(?!\{))*(?:`|\$\{|$)/y
const regularExpression = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*/y

/** After these words, as after most punctuation, a slash starts a regular expression. */
const operators = new Set("return typeof case in of delete void throw new instanceof do else yield await".split(" "))

/** `export` in front of a declaration, or an export list. */
const exported =
  /export(?:\s+default)?(?=\s+(?:const|let|var|class|(?:async\s+)?function)\b)|export\s*\{[^{}]*\}(?!\s*from\b)/y

export const rewriteModule = (code: string): string => {
  if (!/\b(?:import|export)\b/.test(code)) return code
  let out = ""
  let copied = 0
  for (const { at, nested, word } of keywordsOf(code)) {
    if (at < copied) continue
    const found = word === "import" ? importAt(code, at, nested) : exportAt(code, at)
    if (found === undefined) continue
    out += code.slice(copied, at) + found.replacement
    copied = at + found.length
  }
  return out + code.slice(copied)
}

const importAt = (code: string, at: number, nested: boolean) => {
  statement.lastIndex = at
  const found = nested ? null : statement.exec(code)
  if (found !== null) return { replacement: dynamicImport(found), length: found[0].length }
  const [expression, meta] = /^import\s*(?:\(|(\.\s*meta\b))/.exec(code.slice(at, at + 100)) ?? []
  if (expression === undefined) return undefined
  return meta === undefined
    ? { replacement: importName, length: "import".length }
    : { replacement: metaName, length: expression.length }
}

const exportAt = (code: string, at: number) => {
  exported.lastIndex = at
  const text = exported.exec(code)?.[0]
  return text === undefined ? undefined : { replacement: text.replace(/[^\n]/g, " "), length: text.length }
}

/** The positions of `import` and `export` as keywords, and whether they are inside brackets. */
const keywordsOf = (
  code: string
): ReadonlyArray<{ readonly word: string; readonly at: number; readonly nested: boolean }> => {
  const found = []
  const templates: Array<number> = []
  let depth = 0
  let previous = ""
  let at = 0

  const read = (pattern: RegExp) => {
    pattern.lastIndex = at
    const text = pattern.exec(code)?.[0] ?? ""
    at += text.length
    return text
  }
  const readTemplate = () => {
    if (read(templatePart).endsWith("${")) templates.push(depth++)
  }

  for (read(space); at < code.length; read(space)) {
    const start = at
    const text = read(token) || code[at++] || ""
    if (text.startsWith("//") || text.startsWith("/*")) continue
    if (text === "/" && startsRegularExpression(previous)) {
      at = start
      if (read(regularExpression) === "") at = start + 1
    } else if (text === "import" && previous !== ".") found.push({ word: text, at: start, nested: depth > 0 })
    else if (text === "export" && depth === 0) found.push({ word: text, at: start, nested: false })
    else if (text === "`") readTemplate()
    else if ("([{".includes(text)) depth++
    else if (")]}".includes(text) && --depth === templates.at(-1) && text === "}") {
      templates.pop()
      readTemplate()
    }
    previous = text
  }
  return found
}

/** Whether a slash after this token starts a regular expression. */
const startsRegularExpression = (previous: string) =>
  operators.has(previous) || !/[\p{ID_Continue}$)\]}"'`]$/u.test(previous)

const dynamicImport = ({ 0: text, groups: { clause = "", from = "", options } = {} }: RegExpExecArray) => {
  const loaded = `await ${importName}(${from}${options === undefined ? "" : `, { with: ${options} }`})`
  const newlines = text.replace(/[^\n]/g, "")
  return `${declaration(clause.trim(), loaded)};${newlines}`
}

/** `clause` is the text between `import` and `from`. */
const declaration = (clause: string, loaded: string) => {
  if (clause === "") return `void ${loaded}`
  const [, name, rest = ""] = /^([^\s,{*]+)?\s*,?\s*([^]*)$/.exec(clause) ?? []
  const names = [
    ...name === undefined ? [] : [`default: ${name}`],
    ...rest.replace(/^\{|\}$/g, "").split(",").flatMap((part) =>
      part.trim() === "" ? [] : [part.trim().replace(/\s+as\s+/, ": ")]
    )
  ]
  const all = /^\*\s*as\s+(\S+)$/.exec(rest)?.[1]
  if (all === undefined) return `const { ${names.join(", ")} } = ${loaded}`
  return `const ${all} = ${loaded}${name === undefined ? "" : `, { default: ${name} } = ${all}`}`
}
