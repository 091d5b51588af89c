/**
 * A session as a server of the Model Context Protocol: the tools of `AgbToolkit`, figures as images, and files as resources, over the standard
 * streams or HTTP.
 */
export * as AgbMcp from "./AgbMcp.js"

/**
 * A session as tools of a language model, for `@effect/ai`: run code, shell, files, search and processes. What goes wrong in the sandbox is a
 * result that the model reads; what goes wrong with the account is a typed error of the call.
 */
export * as AgbToolkit from "./AgbToolkit.js"
