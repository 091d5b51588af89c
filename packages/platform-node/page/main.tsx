/** The page of a session, or of the runtime: the document says which. */
import { render } from "preact"
import { RuntimePage } from "./runtime/runtimePage.js"
import { SessionPage } from "./session/sessionPage.js"

const kind = document.querySelector<HTMLMetaElement>("meta[name=agb-page]")?.content

render(kind === "runtime" ? <RuntimePage /> : <SessionPage />, document.body)
