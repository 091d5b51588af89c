/**
 * Looks names up in the hosts file and by asking the name servers, which takes no thread and can be given up. The system's own
 * lookup blocks one of few threads until the servers answer, and cannot: a few sessions that ask for names whose servers
 * are silent would hold up everybody else.
 */
import * as Dns from "node:dns"
import * as Net from "node:net"
import { readText } from "../readText.js"

export interface NameSources {
  readonly hostsFile: string
  /** Addresses with ports; those of the system by default. */
  readonly servers?: ReadonlyArray<string>
}

/** How long a server is waited for, and how often each is asked. */
const patience = { timeout: 2500, tries: 2 }

/** How long the addresses of the other family are waited for once there are some. */
const otherFamilyMs = 300

/** The addresses that a hosts file gives to a name in lower case. */
const addressesIn = (file: string, name: string): ReadonlyArray<string> => {
  const text = (readText(file) ?? "").toLowerCase()
  if (!text.includes(name)) return []
  return text.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/)
    return Net.isIP(address) !== 0 && names.includes(name) ? [address] : []
  })
}

const codeOf = (error: unknown): string => error instanceof Error && "code" in error ? String(error.code) : ""

/** The servers did not answer in time, which is not the same as that they do not know the name. */
const wasSilent = (results: ReadonlyArray<PromiseSettledResult<unknown>>) =>
  results.find((result) => result.status === "rejected" && /^(ETIMEOUT|ECANCELLED)$/.test(codeOf(result.reason)))

const ask = async (resolver: Dns.promises.Resolver, name: string): Promise<ReadonlyArray<string> | undefined> => {
  const families = [resolver.resolve4(name), resolver.resolve6(name)]
  const settled = Promise.allSettled(families)
  let timer: NodeJS.Timeout | undefined
  try {
    const first = await Promise.any(families)
    const shortly = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), otherFamilyMs)
    })
    const both = await Promise.race([settled, shortly])
    return both?.flatMap((result) => result.status === "fulfilled" ? result.value : []) ?? first
  } catch {
    if (wasSilent(await settled) !== undefined) throw new Error("no name server has answered")
    return undefined
  } finally {
    clearTimeout(timer)
    resolver.cancel()
  }
}

/** The result asks for the addresses of a name; undefined where neither file nor servers know it. It fails if they are silent. */
export const makeQuery =
  ({ hostsFile, servers }: NameSources) =>
  async (name: string, signal: AbortSignal): Promise<ReadonlyArray<string> | undefined> => {
    const listed = addressesIn(hostsFile, name)
    if (listed.length > 0) return listed
    // A new one each time: it reads the configuration of the system when it is made.
    const resolver = new Dns.promises.Resolver(patience)
    if (servers !== undefined) resolver.setServers(servers)
    const giveUp = () => resolver.cancel()
    signal.addEventListener("abort", giveUp)
    try {
      return await ask(resolver, name)
    } finally {
      signal.removeEventListener("abort", giveUp)
    }
  }
