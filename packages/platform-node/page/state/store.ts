/** Values that components follow. */
import { useEffect, useState } from "preact/hooks"

export class Signal {
  #listeners = new Set<() => void>()

  listen = (listener: () => void): () => void => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

export class Value<A> extends Signal {
  #current: A

  constructor(initial: A) {
    super()
    this.#current = initial
  }

  get current(): A {
    return this.#current
  }

  set(value: A): void {
    if (value === this.#current) return
    this.#current = value
    this.tell()
  }
}

/** Renders the component again whenever one of these changes. */
export const useSignals = (...signals: ReadonlyArray<Signal>): void => {
  const [, render] = useState(0)
  useEffect(() => {
    render((count) => count + 1)
    const ends = signals.map((signal) => signal.listen(() => render((count) => count + 1)))
    return () => ends.forEach((end) => end())
  }, signals)
}

export const useValue = <A>(value: Value<A>): A => {
  useSignals(value)
  return value.current
}
