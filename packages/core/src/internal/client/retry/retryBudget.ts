/** Token bucket of a client, shared by its calls and by everything that supervises its sessions. */

/**
 * A retry costs one token, a success earns a tenth of one, so that during an outage the traffic stays near the offered load
 * instead of a multiple of it.
 */
const capacity = 20

export class RetryBudget {
  #tokens = capacity

  /** Takes the token of one retry, if there is one. */
  tryTake(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  earn(): void {
    this.#tokens = Math.min(capacity, this.#tokens + 0.1)
  }
}

const budgets = new WeakMap<object, RetryBudget>()

/** Gives a client its budget. */
export const attach = <C extends object>(client: C, budget: RetryBudget): C => {
  budgets.set(client, budget)
  return client
}

/** The budget of a client, the same for all that ask. A client that was made elsewhere is given one. */
export const of = (client: object): RetryBudget => {
  const budget = budgets.get(client) ?? new RetryBudget()
  budgets.set(client, budget)
  return budget
}
