/** Type-checks pieces of code that are in no file, each as a module of its own, all in one program. */
import { join } from "node:path"
import ts from "typescript"
import { type Block, root } from "./markdown.js"

const folder = join(root, "examples", "snippets")

const compilerOptions = (): ts.CompilerOptions => {
  const path = join(root, "examples", "tsconfig.json")
  const { options } = ts.getParsedCommandLineOfConfigFile(path, {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"))
    }
  }) ?? { options: {} }
  return { ...options, composite: false, incremental: false, noEmit: true, rootDir: root, noUnusedLocals: false }
}

const messageOf = (block: Block, { file, messageText, start = 0 }: ts.Diagnostic): string => {
  const { line } = file === undefined ? { line: 0 } : ts.getLineAndCharacterOfPosition(file, start)
  return `${block.page}:${block.line + line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`
}

/** What is wrong with the blocks, a message for each complaint, with the line of the page. */
export const complaintsOf = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> => {
  const files = new Map(blocks.map((block, index) => [join(folder, `snippet${index}.ts`), block]))
  const options = compilerOptions()
  const host = ts.createCompilerHost(options)
  const program = ts.createProgram([...files.keys()], options, {
    ...host,
    fileExists: (path) => files.has(path) || host.fileExists(path),
    readFile: (path) => files.get(path)?.code ?? host.readFile(path),
    getSourceFile: (path, languageVersion, ...rest) => {
      const block = files.get(path)
      return block === undefined
        ? host.getSourceFile(path, languageVersion, ...rest)
        : ts.createSourceFile(path, block.code, languageVersion, true)
    }
  })
  return [...files].flatMap(([path, block]) => {
    const source = program.getSourceFile(path)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map((diagnostic) => messageOf(block, diagnostic))
  })
}
