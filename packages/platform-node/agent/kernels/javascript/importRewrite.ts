/**
 * The statements of modules for code that runs as a script: imports become dynamic imports on the same lines, and what is
 * exported is declared like anything else. The code is read only as far as it takes to tell such a word from a text, a
 * comment or a regular expression that looks like one.
 */

/** The global function that stands for `import(…)`, which scripts run through the inspector do not have. */
export const importName = "__import"

/** The global that stands for `import.meta`. */
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

/** After these words, as after most punctuation, a slash begins a regular expression. */
const operators = new Set("return typeof case in of delete void throw new instanceof do else yield await".split(" "))

/** A declaration that is exported, or a list of what has been declared. */
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
    out += code.slice(copied, at) + found.instead
    copied = at + found.length
  }
  return out + code.slice(copied)
}

const importAt = (code: string, at: number, nested: boolean) => {
  statement.lastIndex = at
  const found = nested ? null : statement.exec(code)
  if (found !== null) return { instead: replacement(found), length: found[0].length }
  const [expression, meta] = /^import\s*(?:\(|(\.\s*meta\b))/.exec(code.slice(at, at + 100)) ?? []
  if (expression === undefined) return undefined
  return meta === undefined
    ? { instead: importName, length: "import".length }
    : { instead: metaName, length: expression.length }
}

const exportAt = (code: string, at: number) => {
  exported.lastIndex = at
  const text = exported.exec(code)?.[0]
  return text === undefined ? undefined : { instead: text.replace(/[^\n]/g, " "), length: text.length }
}

/** Where the words stand as keywords, and whether that is inside brackets. */
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
    if (text === "/" && startsExpression(previous)) {
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

/**
 * @param previous the token before a slash
 */
const startsExpression = (previous: string) => operators.has(previous) || !/[\p{ID_Continue}$)\]}"'`]$/u.test(previous)

const replacement = ({ 0: text, groups: { clause = "", from = "", options } = {} }: RegExpExecArray) => {
  const loaded = `await ${importName}(${from}${options === undefined ? "" : `, { with: ${options} }`})`
  const newlines = text.replace(/[^\n]/g, "")
  return `${declaration(clause.trim(), loaded)};${newlines}`
}

/**
 * @param clause what stands between `import` and `from`
 */
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
