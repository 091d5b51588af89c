/**
 * Lets a worker read its messages after each test. Tests that only compute would otherwise hold the event loop for a whole
 * file; on a busy machine that is longer than Vitest waits for an answer.
 */
import { afterEach } from "vitest"

afterEach(() => new Promise<void>((resolve) => void setImmediate(resolve)))
