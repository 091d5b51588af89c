/** The other half of the seeds of `leak`. */
import { leavesNothing } from "../support/leaks.js"

leavesNothing(Array.from({ length: 10 }, (_, index) => index + 11))
