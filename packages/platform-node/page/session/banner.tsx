/** What somebody must know about the connection or the session's end, said plainly. */
import { useNow } from "../parts/clock.js"
import type { SessionModel } from "../state/sessionModel.js"
import { useValue } from "../state/store.js"

const Lost = ({ model, retryAt }: { readonly model: SessionModel; readonly retryAt: number }) => {
  const now = useNow()
  const seconds = Math.max(0, Math.ceil((retryAt - now) / 1000))
  return (
    <>
      <span>
        The connection is lost. What happens meanwhile is shown when it is back
        <span aria-hidden="true">{seconds === 0 ? "; trying now" : `; next attempt in ${seconds} s`}</span>.
      </span>
      <button type="button" class="button small" onClick={model.live.connect}>Try now</button>
    </>
  )
}

export const Banner = ({ model }: { readonly model: SessionModel }) => {
  const connection = useValue(model.connection)
  const ended = useValue(model.ended)
  if (ended !== undefined) {
    return (
      <div class="banner ended" role="status">
        <strong>The session has ended{ended === "" ? "" : `: ${ended}`}.</strong>{" "}
        What it did stays readable until this page is closed.
      </div>
    )
  }
  if (connection.state === "forgotten") {
    return (
      <div class="banner ended" role="alert">
        <strong>This page is no longer connected.</strong>{" "}
        Its session is over or its address has expired. What is shown stays readable; ask for a new address to go on.
      </div>
    )
  }
  return (
    <div class={connection.state === "lost" ? "banner lost" : "banner none"} role="status">
      {connection.state === "lost" ? <Lost model={model} retryAt={connection.retryAt} /> : null}
    </div>
  )
}
