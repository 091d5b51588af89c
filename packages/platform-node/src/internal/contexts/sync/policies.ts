/** Applies the policies of a mapping to single files. Paths are relative to the mapping and begin with a slash. */
import type { Lifecycle, SyncPolicy } from "@effect-agb/core/AgbApi"
import { isWithin, tidy } from "./contextPaths.js"

const day = 24 * 60 * 60 * 1000

const days: Readonly<Record<Lifecycle, number>> = {
  Lifecycle_1Day: 1,
  Lifecycle_3Days: 3,
  Lifecycle_5Days: 5,
  Lifecycle_10Days: 10,
  Lifecycle_15Days: 15,
  Lifecycle_30Days: 30,
  Lifecycle_90Days: 90,
  Lifecycle_180Days: 180,
  Lifecycle_360Days: 360,
  Lifecycle_Forever: Infinity
}

/** Clients write excluded paths relative to the entry of the white list, or to the mapping. */
const isExcluded = (path: string, folder: string, excluded: string): boolean =>
  isWithin(path, folder + tidy(excluded)) || isWithin(path, tidy(excluded))

/** Whether a file is included. An empty white list includes every file. */
export const includes = ({ bwList: { whiteLists } }: SyncPolicy, path: string): boolean =>
  whiteLists.length === 0 ||
  whiteLists.some((list) => {
    const folder = tidy(list.path)
    return isWithin(path, folder) && !list.excludePaths.some((excluded) => isExcluded(path, folder, excluded))
  })

/** Whether a folder is included, or anything below it. */
export const reaches = (policy: SyncPolicy, path: string): boolean =>
  includes(policy, path) || policy.bwList.whiteLists.some((list) => isWithin(tidy(list.path), path))

/** When a file that is stored now expires, as Unix time in milliseconds; undefined for never. */
export const expiry = ({ recyclePolicy }: SyncPolicy, path: string, now: number): number | undefined => {
  const { lifecycle, paths } = recyclePolicy
  const expires = lifecycle !== "Lifecycle_Forever" && paths.some((folder) => isWithin(path, tidy(folder)))
  return expires ? now + days[lifecycle] * day : undefined
}
