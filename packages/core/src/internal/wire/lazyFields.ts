/** Properties that are computed when they are first read. */

type Computed<L> = { readonly [K in keyof L]: L[K] extends () => infer A ? A : never }

/** Adds a property for each function of `lazy`; its value is computed once, when it is first read. */
export const withLazyFields = <A extends object, L extends Readonly<Record<string, () => unknown>>>(
  self: A,
  lazy: L
): A & Computed<L> => {
  for (const [key, compute] of Object.entries(lazy)) {
    Object.defineProperty(self, key, {
      configurable: true,
      enumerable: true,
      get: () => {
        const value = compute()
        Object.defineProperty(self, key, { configurable: true, enumerable: true, value })
        return value
      }
    })
  }
  return self as A & Computed<L>
}
