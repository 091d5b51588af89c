/** Processor, memory and disk of the session over the last minutes. */
import type { Metrics } from "../../src/internal/pageWire/contract.js"
import { Chart } from "../parts/chart.js"
import type { SessionModel } from "../state/sessionModel.js"
import { useValue } from "../state/store.js"
import { bytesText } from "../text/format.js"

const percent = (value: number): string => `${value.toFixed(0)} %`

const lastOf = (metrics: ReadonlyArray<Metrics>, name: "memoryLimitBytes" | "diskLimitBytes"): number | null =>
  metrics.at(-1)?.[name] ?? null

export const Charts = ({ model }: { readonly model: SessionModel }) => {
  const metrics = useValue(model.metrics)
  const session = useValue(model.session)
  return (
    <div class="charts">
      <Chart label="CPU" values={metrics.map(({ cpuPercent }) => cpuPercent)} limit={null} text={percent} />
      <Chart
        label="Memory"
        values={metrics.map(({ memoryBytes }) => memoryBytes)}
        limit={lastOf(metrics, "memoryLimitBytes") ?? session?.memoryLimitBytes ?? null}
        text={bytesText}
      />
      <Chart
        label="Disk"
        values={metrics.map(({ diskBytes }) => diskBytes)}
        limit={lastOf(metrics, "diskLimitBytes") ?? session?.diskLimitBytes ?? null}
        text={bytesText}
      />
    </div>
  )
}
