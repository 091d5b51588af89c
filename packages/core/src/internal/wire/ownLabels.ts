/** Labels of the SDK itself. They are hidden from users, who cannot set them. */

/** All of them begin so. */
export const ownPrefix = "effect-agb-"

/** Identifies a create attempt, for reconciliation. */
export const attemptLabel = `${ownPrefix}attempt`

/** `program` for a session that ends with the program that created it, `detached` for one that may outlive it. */
export const lifetimeLabel = `${ownPrefix}lifetime`

/** When and by which program a session of lifetime `program` was created, with a proof. */
export const stampLabel = `${ownPrefix}stamp`

/** Whoever a session was ensured for. */
export const ownerLabel = `${ownPrefix}owner`

/** When the session of an owner was asked for, in milliseconds since the epoch. */
export const sinceLabel = `${ownPrefix}since`

/** Present once the session of an owner has been chosen among all that were created for it. */
export const chosenLabel = `${ownPrefix}chosen`

/** The idle timeout of a session in seconds, where it is not the default one: no other reply tells it. */
export const idleLabel = `${ownPrefix}idle`

export const withoutOwn = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith(ownPrefix)))
