/** The mappings of a session must not overlap: what belongs to one of them would be copied, replaced or deleted by the other. */
import { type PersistenceData, SyncPolicy } from "@effect-agb/core/AgbApi"
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isWithin, tidy } from "./contextPaths.js"

const overlap = (one: string, other: string): boolean => isWithin(one, other) || isWithin(other, one)

const isSamePolicy = Schema.equivalence(SyncPolicy)

const policyOf = ({ policy }: PersistenceData): SyncPolicy => policy ?? Schema.decodeSync(SyncPolicy)({})

/** The same mapping once more does no harm. */
const isRepeated = (one: PersistenceData, other: PersistenceData): boolean =>
  one.contextId === other.contextId && tidy(one.path) === tidy(other.path) &&
  isSamePolicy(policyOf(one), policyOf(other))

const storedPath = ({ path, policy }: PersistenceData): string => tidy(policy?.mappingPolicy?.path ?? path)

const name = (index: number): string => `persistenceDataList.${index}`

const overlapping = (field: string, place: string, other: number, path: string): ApiError =>
  new ApiError({
    status: 400,
    code: "InvalidParameter",
    message: `${field} must be a ${place} that does not overlap with that of ${name(other)}, but was ${
      JSON.stringify(path.slice(0, 200))
    }`
  })

/** Compares a mapping with an earlier one. */
const issueOf = (
  [mapping, index]: readonly [PersistenceData, number],
  [earlier, earlierIndex]: readonly [PersistenceData, number]
): ApiError | undefined => {
  if (isRepeated(mapping, earlier)) return undefined
  if (overlap(tidy(mapping.path), tidy(earlier.path))) {
    return overlapping(`${name(index)}.path`, "directory", earlierIndex, mapping.path)
  }
  if (mapping.contextId !== earlier.contextId || !overlap(storedPath(mapping), storedPath(earlier))) return undefined
  const mapped = mapping.policy?.mappingPolicy?.path
  const field = `${name(index)}.${mapped === undefined ? "path" : "policy.mappingPolicy.path"}`
  return overlapping(field, "place in the context", earlierIndex, mapped ?? mapping.path)
}

/** Refuses mappings that overlap in the session or in a context. */
export const checkOverlaps = (list: ReadonlyArray<PersistenceData>): Effect.Effect<void, ApiError> =>
  Effect.suspend(() => {
    const numbered = list.map((mapping, index) => [mapping, index] as const)
    for (const one of numbered) {
      for (const earlier of numbered.slice(0, one[1])) {
        const issue = issueOf(one, earlier)
        if (issue !== undefined) return Effect.fail(issue)
      }
    }
    return Effect.void
  })
