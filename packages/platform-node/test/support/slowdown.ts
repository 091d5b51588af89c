/** How busy the machine is. */

const cpuMillis = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

/** By how much longer computing takes now than on a machine that does nothing else: 1 where nobody else computes. */
export const slowdown = (): number => {
  const [began, cpu] = [performance.now(), cpuMillis()]
  while (cpuMillis() - cpu < 300) Math.hypot(began, cpu)
  return Math.max(1, (performance.now() - began) / 300)
}
