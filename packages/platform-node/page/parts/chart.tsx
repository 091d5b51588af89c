/** A value over the last minutes as a small line, with its words. */

interface ChartProps {
  readonly label: string
  /** Oldest first; null where it is not known. */
  readonly values: ReadonlyArray<number | null>
  readonly limit: number | null
  readonly text: (value: number) => string
}

const width = 72
const height = 22
const points = 90

const lineOf = (values: ReadonlyArray<number | null>, top: number): string => {
  const start = points - values.length
  return values.map((value, index) => {
    if (value === null) return ""
    const x = (start + index) * width / (points - 1)
    const y = height - 1 - Math.min(1, value / top) * (height - 2)
    return `${index === 0 || values[index - 1] === null ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`
  }).join("")
}

export const Chart = ({ label, limit, text, values }: ChartProps) => {
  const last = values.at(-1) ?? null
  const highest = Math.max(0, ...values.map((value) => value ?? 0))
  const top = limit !== null && limit > 0 ? limit : Math.max(highest * 1.2, 1e-9)
  const words = last === null ? "unknown" : `${text(last)}${limit === null ? "" : ` of ${text(limit)}`}`
  const isHigh = last !== null && limit !== null && last > 0.9 * limit
  return (
    <div
      class={isHigh ? "chart high" : "chart"}
      role="img"
      aria-label={`${label}: ${words}`}
      title={`${label}: ${words}`}
    >
      <span class="chart-label">{label}</span>
      <span class="chart-text">{last === null ? "–" : text(last)}</span>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={lineOf(values, top)} vector-effect="non-scaling-stroke" />
      </svg>
    </div>
  )
}
