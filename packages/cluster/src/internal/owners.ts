/** For whom sessions were ensured, as their owner labels tell. */
import type { Labels } from "@effect-agb/core/AgbApi"

/** Labels that `Agb.ensure` gives a session. */
const ownerLabel = "effect-agb-owner"

/** What a list of the sessions that have an owner asks for. */
export const chosen: Labels = { "effect-agb-chosen": "true" }

/** What a list of the sessions of one owner asks for. */
export const ofOwner = (owner: string): Labels => ({ ...chosen, [ownerLabel]: owner })

export const entityOwner = (type: string, id: string): string => `entity/${type}/${id}`

export type Owner =
  | { readonly _tag: "Workflow"; readonly executionId: string }
  | { readonly _tag: "Entity"; readonly type: string }

/** The owner that labels name, if it is a workflow or an entity. */
export const ownerOf = ({ [ownerLabel]: owner = "" }: Labels): Owner | undefined => {
  const [kind, name = "", ...rest] = owner.split("/")
  if (name === "" || rest.length === 0) return undefined
  switch (kind) {
    case "workflow":
      return { _tag: "Workflow", executionId: name }
    case "entity":
      return { _tag: "Entity", type: name }
    default:
      return undefined
  }
}
