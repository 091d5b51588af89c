import { FastCheck } from "effect"

/**
 * Any character: a code point that is no surrogate. The unit `binary` of fast-check has the same ones, but builds a table of
 * all 1,112,064 when it is first used, which takes a second.
 */
export const character = FastCheck.integer({ min: 0, max: 0x10ffff - 0x800 }).map((nth) =>
  String.fromCodePoint(nth < 0xd800 ? nth : nth + 0x800)
)
