/** What can go wrong between a client and a server, as data. */
import type * as Duration from "effect/Duration"

/** Whether the server has done the work when the fault strikes. */
export type Moment = "before" | "after"

export type Fault =
  | { readonly _tag: "Delay"; readonly duration: Duration.DurationInput; readonly when: Moment }
  | { readonly _tag: "Silence"; readonly when: Moment }
  | { readonly _tag: "Break"; readonly when: Moment }
  | { readonly _tag: "Cut"; readonly bytes: number }
  | {
    readonly _tag: "Answer"
    readonly when: Moment
    readonly status: number
    readonly code: string
    readonly message: string
    readonly headers: Readonly<Record<string, string>>
  }
