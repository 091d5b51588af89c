/** A defence that is broken on purpose, to see that a test notices. */
export interface Mutant {
  readonly defence: string
  /** By file, from the root of the checkout. Each text occurs there exactly once, so that no mutant outlives its code. */
  readonly changes: Readonly<Record<string, ReadonlyArray<readonly [find: string, replacement: string]>>>
  /** The test that must then fail: a regular expression for its full name. */
  readonly caughtBy: string
  /** How the test fails where it comes to no assertion. */
  readonly fails?: string
  /** Where only one of the two kinds of users has the defence. */
  readonly only?: "root" | "nobody"
}
