// How the demo looks: colours and times on a terminal, plain lines elsewhere, figures where a terminal can show them.
import { Clock, Console, Effect } from "effect"

const { env, stdout } = process

const isColoured = env["FORCE_COLOR"] ? env["FORCE_COLOR"] !== "0" : stdout.isTTY && !env["NO_COLOR"]

const codes = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 }

export const paint = (colour: keyof typeof codes, text: string): string =>
  isColoured ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text

/** Says what was done and, on a terminal, how long it took. */
export const step = (text: string, millis: number) =>
  Console.log(`${paint("green", "✓")} ${text}${stdout.isTTY ? paint("dim", ` (${millis.toFixed(0)} ms)`) : ""}`)

export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>, text: (value: A) => string) =>
  Effect.gen(function*() {
    const start = yield* Clock.currentTimeMillis
    const value = yield* effect
    yield* step(text(value), (yield* Clock.currentTimeMillis) - start)
    return value
  })

const { TERM = "", TERM_PROGRAM: program = "" } = env

const kitty = (png: string) =>
  (png.match(/.{1,4096}/g) ?? []).map((part, index, all) =>
    `\x1b_G${index === 0 ? "a=T,f=100,r=14," : ""}m=${index < all.length - 1 ? 1 : 0};${part}\x1b\\`
  ).join("")

/** Shows an image inside the terminal, if it has one of the two protocols for that; inside tmux it has not. */
export const showImage = (bytes: Uint8Array) => {
  const png = Buffer.from(bytes).toString("base64")
  if (!stdout.isTTY || /^(screen|tmux)/.test(TERM)) return Effect.void
  if (TERM === "xterm-kitty" || program === "ghostty") return Console.log(kitty(png))
  return program === "iTerm.app" || program === "WezTerm"
    ? Console.log(`\x1b]1337;File=inline=1;height=14:${png}\x07`)
    : Effect.void
}
