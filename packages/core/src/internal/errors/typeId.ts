/** What tells an error of this SDK from any other. */

/**
 * Identifies errors of this SDK, also across copies of the package.
 *
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: unique symbol = Symbol.for("@effect-agb/core/AgbError")

/**
 * Type of `TypeId`.
 *
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = typeof TypeId

/** What the identifiers of the schemas start with. */
export const prefix = "@effect-agb/core/"
