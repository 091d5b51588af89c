/** The version of this package; `pnpm codegen` writes it from package.json. */
export const version = "0.1.0"
