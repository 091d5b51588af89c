/** The label that a create attempt is found again by; users never see it. */
export const attemptLabel = "effect-agb-attempt"
