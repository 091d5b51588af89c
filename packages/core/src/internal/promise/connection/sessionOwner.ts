/** What an `AGB` tells whoever disposes those that the program has forgotten. */

/** An `AGB` that has sessions to delete, or a create whose outcome is not known yet. */
export interface SessionOwner {
  /** The sessions that it created and has not deleted. */
  readonly sessionIds: ReadonlyArray<string>
  /** Its creates that are not answered yet. */
  readonly creates: number
  readonly dispose: () => Promise<void>
}

/** The owners that exist at the moment, e.g. a `Set`. */
export interface SessionOwners {
  readonly add: (owner: SessionOwner) => unknown
  readonly delete: (owner: SessionOwner) => unknown
}
