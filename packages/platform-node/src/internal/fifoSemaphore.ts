/** A counting semaphore that admits its waiters in the order in which they asked. */
import * as Effect from "effect/Effect"

interface Ticket {
  proceed: () => void
  isAdmitted: boolean
}

/** Runs `work` once a permit is free, and releases the permit when it ends. */
export type FifoSemaphore = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** A waiter can be interrupted at any time, which moves up those behind it. */
export const makeFifoSemaphore = (permits: number): FifoSemaphore => {
  const waiting: Array<Ticket> = []
  let running = 0

  const admit = () => {
    while (running < permits && waiting.length > 0) {
      const ticket = waiting.shift()!
      ticket.isAdmitted = true
      running += 1
      ticket.proceed()
    }
  }
  const acquire = (ticket: Ticket) =>
    Effect.async<void>((resume) => {
      ticket.proceed = () => resume(Effect.void)
      waiting.push(ticket)
      admit()
    })
  const release = (ticket: Ticket) => {
    const at = waiting.indexOf(ticket)
    if (at !== -1) waiting.splice(at, 1)
    if (ticket.isAdmitted) running -= 1
    admit()
  }

  return (work) =>
    Effect.uninterruptibleMask((restore) => {
      const ticket: Ticket = { proceed: () => {}, isAdmitted: false }
      return restore(Effect.zipRight(acquire(ticket), work)).pipe(Effect.ensuring(Effect.sync(() => release(ticket))))
    })
}
