/**
 * Sessions that a promise program leaves behind when its process ends. One whose work is done deletes them first; one that
 * is ended by `process.exit` or an uncaught exception can only say which are left.
 */
import type { SessionOwner } from "@effect-agb/core/AgbPromise"

const write = (text: string): void => {
  process.stderr.write(`effect-agb: ${text}\n`)
}

/** Creates that the end of the process cuts off. */
const cutOff = (owners: Iterable<SessionOwner>): ReadonlyArray<string> => {
  const count = [...owners].reduce((sum, { creates }) => sum + creates, 0)
  return count === 0
    ? []
    : [count === 1 ? "1 whose create is not answered yet" : `${count} whose creates are not answered yet`]
}

const ids = (owners: Iterable<SessionOwner>): ReadonlyArray<string> => [...owners].flatMap((owner) => owner.sessionIds)

/** A set of owners that listens to the process as long as it has any. */
export class ForgottenSessions {
  readonly #owners = new Set<SessionOwner>()
  readonly #outlive: boolean

  /** `outliveProcess`: whether the sessions go on when the process has ended. */
  constructor({ outliveProcess }: { readonly outliveProcess: boolean }) {
    this.#outlive = outliveProcess
  }

  add(owner: SessionOwner): void {
    if (this.#owners.size === 0) {
      process.on("beforeExit", this.#deleteThem)
      if (this.#outlive) process.on("exit", this.#reportThem)
    }
    this.#owners.add(owner)
  }

  delete(owner: SessionOwner): void {
    if (!this.#owners.delete(owner) || this.#owners.size > 0) return
    process.off("beforeExit", this.#deleteThem)
    process.off("exit", this.#reportThem)
  }

  /** The process ends when the disposals are over; each is bounded by its delete budget. */
  readonly #deleteThem = (): void => {
    const left = ids(this.#owners)
    // Without a reader of standard error the process would end here.
    process.stderr.on("error", () => {})
    if (left.length > 0) {
      write(`deleting sessions that the program has left, since its AGB was not disposed: ${left.join(", ")}`)
    }
    for (const owner of this.#owners) void owner.dispose()
  }

  readonly #reportThem = (): void => {
    const left = [...ids(this.#owners), ...cutOff(this.#owners)]
    if (left.length === 0) return
    write(
      `sessions are left until their idle timeout, since the process ended before its AGB was disposed: ${
        left.join(", ")
      }`
    )
  }
}
