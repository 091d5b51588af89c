// Runs alternatives in turn, A B C A B C, so that a drift of the machine hits all of them, and prints medians and ratios.

export interface Alternative {
  readonly name: string
  readonly run: () => Promise<unknown>
  /** Runs after each sample and is not timed. */
  readonly pause?: () => Promise<unknown>
}

const median = (samples: ReadonlyArray<number>): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

const time = async (run: () => Promise<unknown>, batch: number): Promise<number> => {
  const start = process.hrtime.bigint()
  for (let i = 0; i < batch; i++) await run()
  return Number(process.hrtime.bigint() - start) / batch / 1e6
}

/** The first alternative is the floor that the others are measured by. `batch` calls make one sample. */
export const compare = async (
  title: string,
  alternatives: ReadonlyArray<Alternative>,
  { batch = 1, rounds, warmup = 3 }: { readonly rounds: number; readonly batch?: number; readonly warmup?: number }
): Promise<void> => {
  const samples = alternatives.map((): Array<number> => [])
  for (let round = -warmup; round < rounds; round++) {
    for (const [index, { pause, run }] of alternatives.entries()) {
      const millis = await time(run, batch)
      await pause?.()
      if (round >= 0) samples[index]?.push(millis)
    }
  }
  const floor = median(samples[0] ?? [])
  console.log(`\n${title}`)
  for (const [index, { name }] of alternatives.entries()) {
    const millis = median(samples[index] ?? [])
    console.log(
      `  ${name.padEnd(58)} ${millis.toFixed(3).padStart(10)} ms  ${(millis / floor).toFixed(2).padStart(7)} x`
    )
  }
}
