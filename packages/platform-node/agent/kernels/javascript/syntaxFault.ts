/** Where code does not parse, and why. */
export interface SyntaxFault {
  readonly message: string
  /** 0-based, like `column`. */
  readonly line: number
  readonly column: number
}
