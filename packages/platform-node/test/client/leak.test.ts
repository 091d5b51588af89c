/** Half of the seeds; the other half is in `leakOtherSeeds`, for another worker. */
import { leavesNothing } from "../support/leaks.js"

leavesNothing(Array.from({ length: 10 }, (_, index) => index + 1))
