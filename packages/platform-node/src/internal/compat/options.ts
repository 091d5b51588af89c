/** Options that are not known are refused by name; other names of a method come from a table. */

const list = (known: ReadonlyArray<string>): string =>
  known.length === 0 ? "there are no options" : `the options are ${known.join(", ")}`

/** What is wrong with an options object, or undefined. `advice` says more about names that other SDKs know. */
export const wrongOptions = (
  what: string,
  options: unknown,
  known: ReadonlyArray<string>,
  advice: Readonly<Record<string, string>> = {}
): string | undefined => {
  if (options === undefined) return undefined
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return `${what}: options must be an object (${list(known)})`
  }
  const name = Object.entries(options).find(([key, value]) => value !== undefined && !known.includes(key))?.[0]
  if (name === undefined) return undefined
  const more = Object.hasOwn(advice, name) ? `; ${advice[name]}` : ""
  return `${what}: unknown option ${name} (${list(known)}${more})`
}

/** Adds other names of methods to a class. They call the method of the object, so that overriding one overrides all. */
export const withAliases = <Base extends object, Args extends ReadonlyArray<never>>(
  Class: abstract new(...args: Args) => Base,
  table: { readonly [Alias in keyof Base]?: keyof Base & string }
): void => {
  for (const [alias, name] of Object.entries<string | undefined>(table)) {
    Object.defineProperty(Class.prototype, alias, {
      configurable: true,
      writable: true,
      value(this: Readonly<Record<string, (...args: ReadonlyArray<unknown>) => unknown>>, ...args: Array<unknown>) {
        return name && this[name]?.(...args)
      }
    })
  }
}
