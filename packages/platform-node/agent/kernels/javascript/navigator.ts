/** `navigator` and `Navigator` for Node 20, which does not have them; their properties are those of Node 21 and newer. */
import { availableParallelism } from "node:os"

const architectures: Record<string, string> = { x64: "x86_64", ia32: "i686" }

const illegalConstructor = () =>
  Object.assign(new TypeError("Illegal constructor"), { code: "ERR_ILLEGAL_CONSTRUCTOR" })

const key = Symbol("key")

class Navigator {
  readonly #languages = Object.freeze([Intl.NumberFormat().resolvedOptions().locale])

  constructor(given?: symbol) {
    if (given !== key) throw illegalConstructor()
  }

  get hardwareConcurrency() {
    return availableParallelism()
  }

  get language() {
    return this.#languages[0]
  }

  get languages() {
    return this.#languages
  }

  get userAgent() {
    return `Node.js/${process.versions.node.split(".")[0]}`
  }

  get platform() {
    const { arch, platform } = process
    return `${platform.slice(0, 1).toUpperCase()}${platform.slice(1)} ${architectures[arch] ?? arch}`
  }
}

/** Defines them as Node does: `navigator` cannot be assigned to. */
export const defineNavigator = () => {
  if ("navigator" in globalThis) return
  const members = Object.getOwnPropertyDescriptors(Navigator.prototype)
  for (const [name, member] of Object.entries(members)) {
    if (name !== "constructor") Object.defineProperty(Navigator.prototype, name, { ...member, enumerable: true })
  }
  let navigator: Navigator | undefined
  const get = () => navigator ??= new Navigator(key)
  Object.defineProperty(globalThis, "navigator", { get, configurable: true, enumerable: true })
  Object.defineProperty(globalThis, "Navigator", { value: Navigator, configurable: true, writable: true })
}
