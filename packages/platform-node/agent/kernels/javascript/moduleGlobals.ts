/** The globals that replace module syntax, which is not available to code evaluated by the inspector. */

/** Replaces `import(…)`. */
export const importName = "__import"

/** Replaces the declarations that import: loads a module and checks the names that it must export. */
export const importNamesName = "__importNames"

/** Replaces `import.meta`. */
export const metaName = "__importMeta"

/** Replaces `this` outside of functions. */
export const thisName = "__this"

type Namespace = Readonly<Record<string, unknown>>

/** Like Node, a name that a module does not export is a SyntaxError. */
export const makeImportNames =
  (load: (from: string, options?: object) => Promise<Namespace>) =>
  async (from: string, options: object | undefined, names: ReadonlyArray<string>) => {
    const namespace = await load(from, options)
    const missing = names.find((name) => !(name in namespace))
    if (missing === undefined) return namespace
    throw new SyntaxError(
      isCommonJsName(namespace, missing)
        ? `Named export '${missing}' not found. The requested module '${from}' is a CommonJS module, which may not ` +
          `support all module.exports as named exports.\nCommonJS modules can always be imported via the default ` +
          `export, for example using:\n\nimport pkg from '${from}';\nconst { ${missing} } = pkg;\n`
        : `The requested module '${from}' does not provide an export named '${missing}'`
    )
  }

const isCommonJsName = ({ default: exported }: Namespace, name: string) =>
  (typeof exported === "object" || typeof exported === "function") && exported !== null && name in exported
