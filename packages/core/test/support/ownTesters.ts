/**
 * Gives each file the testers of `@effect/vitest` as they are. Its `layer` changes them for good, and the files of a worker
 * share its modules.
 */
import { it, makeMethods } from "@effect/vitest"

makeMethods(it)
