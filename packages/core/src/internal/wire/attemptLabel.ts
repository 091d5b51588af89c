/** Name of the label that identifies a create attempt for reconciliation. It is hidden from users. */
export const attemptLabel = "effect-agb-attempt"
