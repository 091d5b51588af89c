/** The page of a session, or of the runtime: the host name says which. */
import { render } from "preact"
import { RuntimePage } from "./runtime/runtimePage.js"
import { SessionPage } from "./session/sessionPage.js"

render(location.hostname.startsWith("runtime.") ? <RuntimePage /> : <SessionPage />, document.body)
