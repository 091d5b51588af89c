/** Options of the client: those given, then the environment, then the key of a `.env` file. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Util from "node:util"
import { AGBError, AuthenticationError } from "./errors.js"
import { wrongOptions } from "./options.js"

/**
 * Where the API is, and how long one call may take.
 *
 * @since 0.1.0
 * @category models
 */
export class Config {
  /** Host or URL. Default: `AGB_ENDPOINT`, or else `sdk-api.agb.cloud`. Plain `http` is allowed for loopback only. */
  endpoint?: string
  /** Deadline of one API call in milliseconds. Default: `AGB_TIMEOUT_MS`, or else 60,000. */
  timeoutMs?: number

  constructor(options: { readonly endpoint?: string; readonly timeoutMs?: number } = {}) {
    if (typeof options !== "object") throw new TypeError("Config takes one object, { endpoint, timeoutMs }")
    const { endpoint, timeoutMs } = options
    if (endpoint !== undefined) this.endpoint = endpoint
    if (timeoutMs !== undefined) this.timeoutMs = timeoutMs
  }
}

/**
 * Options of the client.
 *
 * @since 0.1.0
 * @category models
 */
export interface AGBOptions {
  /** Default: `AGB_API_KEY` of the environment, then of the `.env` file. */
  apiKey?: string
  config?: Config
  /** The `.env` file that may have the key. Default: `.env` in the working directory. Parents are not searched. */
  envFile?: string
}

export interface Settings {
  readonly apiKey: string
  readonly endpoint: string | undefined
  readonly timeoutMs: number | undefined
}

const maxBytes = 65_536

/** The variables of a file. One that was named must be there. */
const variablesOf = (envFile: string | undefined): Readonly<Record<string, string | undefined>> => {
  const path = envFile ?? Path.join(process.cwd(), ".env")
  try {
    const stat = Fs.statSync(path)
    if (!stat.isFile() || stat.size > maxBytes) throw new Error(`not a file of at most ${maxBytes} bytes`)
    return Util.parseEnv(Fs.readFileSync(path, "utf8")) as Readonly<Record<string, string>>
  } catch (error) {
    if (envFile === undefined) return {}
    throw new AGBError(`envFile cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const defaultEndpoints = ["sdk-api.agb.cloud", "https://sdk-api.agb.cloud", "https://sdk-api.agb.cloud/"]

const blank = (text: string | undefined): boolean => text === undefined || text.trim() === ""

/** A file that somebody has put into the working directory must not choose who gets the key. */
const checkEndpoint = (endpoint: string | undefined): void => {
  if (endpoint === undefined || blank(endpoint) || defaultEndpoints.includes(endpoint.trim())) return
  throw new AGBError(
    "AGB_ENDPOINT is not read from a .env file, which supplies the key alone: set it in the environment, or pass " +
      "config.endpoint"
  )
}

/** Throws what the official SDK throws without a key, and an `AGBError` for what is wrong or unknown. */
export const settingsOf = (options: string | AGBOptions | undefined): Settings => {
  const given: AGBOptions = typeof options === "string" ? { apiKey: options } : options ?? {}
  const wrong = wrongOptions("new AGB", given, ["apiKey", "config", "envFile"]) ??
    wrongOptions("new AGB, config", given.config, ["endpoint", "timeoutMs"])
  if (wrong !== undefined) throw new AGBError(wrong)
  const { apiKey, config = {}, envFile } = given
  const { env } = process
  const file = variablesOf(envFile)
  if (config.endpoint === undefined && env["AGB_ENDPOINT"] === undefined) checkEndpoint(file["AGB_ENDPOINT"])
  const key = [apiKey, env["AGB_API_KEY"], file["AGB_API_KEY"]].find((key) => !blank(key))
  if (key === undefined) {
    throw new AuthenticationError(
      "API key is required. Provide it as a parameter or set the AGB_API_KEY environment variable"
    )
  }
  return { apiKey: key, endpoint: config.endpoint, timeoutMs: config.timeoutMs }
}
