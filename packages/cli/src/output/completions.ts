/** What `@effect/cli` generates for shells, put right. */

/** Options of `@effect/cli` that `agb` does not have. */
const isForeign = (line: string): boolean => /--(log-level|wizard)\[| -l (log-level|wizard) /.test(line)

/** For bash it offers all the choices of an option as one word. */
export const tidyCompletions = (script: string): string =>
  script.split("\n").filter((line) => !isForeign(line)).join("\n")
    .replace(/ --(log-level|wizard)\b/g, "")
    .replace(/(?<=compgen -W ")\w+(,\w+)+(?=")/g, (choices) => choices.replaceAll(",", " "))
