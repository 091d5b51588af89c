// Runs alternatives interleaved, A B C A B C, so that a drift of the machine affects all of them, and prints medians and ratios.

export interface Alternative {
  readonly name: string
  readonly run: () => Promise<unknown>
  /** Runs after each sample, untimed. */
  readonly pause?: () => Promise<unknown>
  /** Runs in every nth round only: for slow alternatives. */
  readonly every?: number
}

/** An alternative that cannot run on this machine, and why. */
export interface Missing {
  readonly name: string
  readonly missing: string
}

export interface Rounds {
  readonly rounds: number
  /** Calls per sample. */
  readonly batch?: number
  readonly warmup?: number
  /** No round starts after this many seconds, for busy machines. */
  readonly seconds?: number
}

const fewestRounds = 2

export const quantile = (samples: ReadonlyArray<number>, q: number): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN
}

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5)

const time = async (run: () => Promise<unknown>, batch: number): Promise<number> => {
  const start = process.hrtime.bigint()
  for (let i = 0; i < batch; i++) await run()
  return Number(process.hrtime.bigint() - start) / batch / 1e6
}

export const sample = async (
  alternatives: ReadonlyArray<Alternative>,
  { batch = 1, rounds, seconds = 25, warmup = 3 }: Rounds
): Promise<ReadonlyArray<ReadonlyArray<number>>> => {
  const samples = alternatives.map((): Array<number> => [])
  const end = performance.now() + seconds * 1000
  for (let round = -warmup; round < rounds && (round < fewestRounds || performance.now() < end); round++) {
    for (const [index, { every = 1, pause, run }] of alternatives.entries()) {
      if (round % every !== 0) continue
      const millis = await time(run, batch)
      await pause?.()
      if (round >= 0) samples[index]?.push(millis)
    }
  }
  return samples
}

/** With fewer samples a p99 means nothing. */
const enoughForTail = 20

const line = (name: string, samples: ReadonlyArray<number>, baseline: number): string => {
  const millis = median(samples)
  const tail = samples.length < enoughForTail ? "" : quantile(samples, 0.99).toFixed(3)
  return `  ${name.padEnd(58)} ${millis.toFixed(3).padStart(10)} ms ${(millis / baseline).toFixed(2).padStart(8)} x` +
    `${tail.padStart(12)}`
}

/** The first alternative that can run is the baseline: the ratios are to its median. */
export const compare = async (
  title: string,
  choices: ReadonlyArray<Alternative | Missing>,
  rounds: Rounds
): Promise<void> => {
  const alternatives = choices.filter((choice): choice is Alternative => "run" in choice)
  const samples = await sample(alternatives, rounds)
  const baseline = median(samples[0] ?? [])
  console.log(
    `\n${title} (${samples[0]?.length} rounds)`.padEnd(61),
    "p50".padStart(13),
    "ratio".padStart(10),
    "p99".padStart(11)
  )
  for (const [index, { name }] of alternatives.entries()) console.log(line(name, samples[index] ?? [], baseline))
  for (const choice of choices) {
    if ("missing" in choice) console.log(`  ${choice.name.padEnd(58)} ${choice.missing}`)
  }
}
