/** Files that the host takes over: it opens them itself, by way of /proc, and tells how that went. */
import { type Args, countArg } from "../wire/args.js"
import { Failure } from "../wire/failure.js"
import type { Agent, Call } from "../wire/operation.js"

const cancelled = new Failure("ECANCELED", "Operation canceled")

/** Names an open file to the host and waits for what that says of it. */
const offer = (fd: number, { id, signal }: Call, { inputs, output }: Agent): Promise<Args> =>
  new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(cancelled))
    inputs.set(id, (input) => {
      resolve(input)
      return undefined
    })
    output.send(id, { event: "descriptor", fd })
  })

/** Whether the host has taken over a file that is to be read. */
export const handOver = async (fd: number, call: Call, agent: Agent): Promise<boolean> =>
  (await offer(fd, call, agent))["taken"] === true

/** How many bytes were written to a file that the host has taken over, unless it has given it up. */
export const writtenTo = async (fd: number, call: Call, agent: Agent): Promise<number> => {
  const input = await offer(fd, call, agent)
  if (input["givenUp"] === true) throw cancelled
  return countArg(input, "written") ?? 0
}
