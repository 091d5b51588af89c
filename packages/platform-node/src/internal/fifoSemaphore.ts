/** Work of which only so much is done at a time, in the order in which it was asked for. */
import * as Effect from "effect/Effect"

interface Ticket {
  proceed: () => void
  hasEntered: boolean
}

export type Turns = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** What waits can be interrupted at any moment; its place is then the next one's. */
export const makeTurns = (most: number): Turns => {
  const waiting: Array<Ticket> = []
  let running = 0

  const admit = () => {
    while (running < most && waiting.length > 0) {
      const ticket = waiting.shift()!
      ticket.hasEntered = true
      running += 1
      ticket.proceed()
    }
  }
  const enter = (ticket: Ticket) =>
    Effect.async<void>((resume) => {
      ticket.proceed = () => resume(Effect.void)
      waiting.push(ticket)
      admit()
    })
  const leave = (ticket: Ticket) => {
    const at = waiting.indexOf(ticket)
    if (at !== -1) waiting.splice(at, 1)
    if (ticket.hasEntered) running -= 1
    admit()
  }

  return (work) =>
    Effect.uninterruptibleMask((restore) => {
      const ticket: Ticket = { proceed: () => {}, hasEntered: false }
      return restore(Effect.zipRight(enter(ticket), work)).pipe(Effect.ensuring(Effect.sync(() => leave(ticket))))
    })
}
