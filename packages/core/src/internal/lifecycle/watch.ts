/** What the guardian of the program is told, see `Guardian`. */
import type { Guardian } from "../../Guardian.js"

export type Watch = Guardian.Watch

/** Without a guardian. */
export const noWatch: Watch = {
  addAttempt: () => {},
  removeAttempt: () => {},
  addSession: () => {},
  removeSession: () => {}
}
