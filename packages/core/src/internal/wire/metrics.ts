/** Result of `get_metrics`, in all spellings used by servers. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** Resource usage of a session: sizes in bytes, network totals in kilobytes, rates in kilobytes per second. */
export const Metrics = Schema.Struct({
  cpuCount: Schema.Number,
  cpuUsedPct: Schema.Number,
  diskTotal: Schema.Number,
  diskUsed: Schema.Number,
  memTotal: Schema.Number,
  memUsed: Schema.Number,
  rxRateKbytePerS: Schema.Number,
  txRateKbytePerS: Schema.Number,
  rxUsedKbyte: Schema.Number,
  txUsedKbyte: Schema.Number,
  timestamp: Schema.String
})

export type Metrics = typeof Metrics.Type

/** The first name is written, all names are read. */
const names: Readonly<Record<Exclude<keyof Metrics, "timestamp">, readonly [string, ...ReadonlyArray<string>]>> = {
  cpuCount: ["cpu_count"],
  cpuUsedPct: ["cpu_used_pct"],
  diskTotal: ["disk_total"],
  diskUsed: ["disk_used"],
  memTotal: ["mem_total"],
  memUsed: ["mem_used"],
  rxRateKbytePerS: ["rx_rate_kbyte_per_s", "rx_rate_kbps", "rx_rate_KBps"],
  txRateKbytePerS: ["tx_rate_kbyte_per_s", "tx_rate_kbps", "tx_rate_KBps"],
  rxUsedKbyte: ["rx_used_kbyte", "rx_used_kb", "rx_used_KB"],
  txUsedKbyte: ["tx_used_kbyte", "tx_used_kb", "tx_used_KB"]
}

const fields = Object.entries(names) as ReadonlyArray<[keyof typeof names, readonly [string, ...ReadonlyArray<string>]]>

const numberOf = (json: object, spellings: ReadonlyArray<string>): number => {
  const found = spellings.map((name) => (json as Record<string, unknown>)[name]).find(Predicate.isNumber)
  return found ?? 0
}

const Json = Schema.declare((input: unknown): input is object => Predicate.isRecord(input), {
  description: "an object"
})

/** Codec of `Metrics`. Missing numbers are 0. */
export const MetricsText = Schema.transform(Schema.parseJson(Json), Schema.typeSchema(Metrics), {
  strict: true,
  decode: (json) => {
    const timestamp = (json as { readonly timestamp?: unknown }).timestamp
    const numbers = Object.fromEntries(fields.map(([field, spellings]) => [field, numberOf(json, spellings)]))
    return { ...numbers, timestamp: Predicate.isString(timestamp) ? timestamp : "" } as Metrics
  },
  encode: ({ timestamp, ...numbers }) => ({
    ...Object.fromEntries(fields.map(([field, [name]]) => [name, numbers[field]])),
    timestamp
  })
})
