/** What a session uses just now, for those who look; asking does not count as use. */
import { tools } from "@effect-agb/core/AgbTools"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Metrics } from "../../../pageWire/contract.js"
import type { LocalSession } from "../../sessions/localSession.js"
import type { RuntimeFacts } from "./sessionView.js"

const decode = Schema.decodeUnknownOption(Schema.typeSchema(tools.get_metrics.result))

const orNull = (value: unknown): number | null => typeof value === "number" && Number.isFinite(value) ? value : null

/** Undefined where the session does not tell. */
export const readMetrics = (
  { sandbox }: LocalSession,
  facts: RuntimeFacts,
  now: () => number
): Effect.Effect<Metrics | undefined> =>
  Effect.match(sandbox.call({ op: "metrics" }), {
    onFailure: () => undefined,
    onSuccess: ({ value }) => {
      const metrics = Option.getOrUndefined(decode(value))
      return metrics && {
        at: now(),
        cpuPercent: orNull(metrics.cpuUsedPct),
        memoryBytes: orNull(metrics.memUsed),
        memoryLimitBytes: orNull(metrics.memTotal) ?? facts.memoryLimitBytes,
        diskBytes: orNull(metrics.diskUsed),
        diskLimitBytes: orNull(metrics.diskTotal) ?? facts.diskLimitBytes
      }
    }
  })
