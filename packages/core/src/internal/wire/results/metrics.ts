/** Result of `get_metrics`, in all spellings used by servers. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { optional } from "../codecs.js"

/**
 * Resource usage of a session: sizes in bytes, network totals in kilobytes, rates in kilobytes per second. What a server does
 * not report is absent.
 */
const metrics = () =>
  Schema.Struct({
    cpuCount: optional(Schema.Number),
    cpuUsedPct: optional(Schema.Number),
    diskTotal: optional(Schema.Number),
    diskUsed: optional(Schema.Number),
    memTotal: optional(Schema.Number),
    memUsed: optional(Schema.Number),
    rxRateKbytePerS: optional(Schema.Number),
    txRateKbytePerS: optional(Schema.Number),
    rxUsedKbyte: optional(Schema.Number),
    txUsedKbyte: optional(Schema.Number),
    timestamp: optional(Schema.String)
  })

export type Metrics = ReturnType<typeof metrics>["Type"]

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

const numberOf = (json: object, spellings: ReadonlyArray<string>): number | undefined =>
  spellings.map((name) => (json as Record<string, unknown>)[name]).find(Predicate.isNumber)

const json = () =>
  Schema.declare((input: unknown): input is object => Predicate.isRecord(input), {
    description: "an object"
  })

/** Codec of `Metrics`. */
export const metricsText = () =>
  Schema.transform(Schema.parseJson(json()), Schema.typeSchema(metrics()), {
    strict: true,
    decode: (json) => {
      const timestamp = (json as { readonly timestamp?: unknown }).timestamp
      const numbers = Object.fromEntries(
        fields.flatMap(([field, spellings]) => {
          const number = numberOf(json, spellings)
          return number === undefined ? [] : [[field, number]]
        })
      )
      return Predicate.isString(timestamp) ? { ...numbers, timestamp } : numbers
    },
    encode: ({ timestamp, ...numbers }) => ({
      ...Object.fromEntries(fields.map(([field, [name]]) => [name, numbers[field]])),
      timestamp
    })
  })
