/** Colours of terminals (SGR sequences) as runs of text with class names; every other control sequence is left out. */

export interface Style {
  readonly foreground: string | undefined
  readonly background: string | undefined
  readonly isBold: boolean
  readonly isDim: boolean
  readonly isItalic: boolean
  readonly isUnderlined: boolean
  readonly isInverse: boolean
}

export interface Run {
  readonly text: string
  readonly style: Style
}

export const plain: Style = {
  foreground: undefined,
  background: undefined,
  isBold: false,
  isDim: false,
  isItalic: false,
  isUnderlined: false,
  isInverse: false
}

/** More differently coloured runs than this in one block are shown as one. */
const mostRuns = 2000

const sequence = /\x1b(?:\[([0-9;:]*)([A-Za-z@`])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()#][A-Za-z0-9]|[A-Za-z0-9=><])/g

const controls = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g

const cube = [0, 95, 135, 175, 215, 255]

const indexed = (index: number): string | undefined => {
  if (index < 16) return `ansi-${index}`
  if (index > 255) return undefined
  if (index >= 232) return `rgb(${[0, 0, 0].fill(8 + (index - 232) * 10).join(" ")})`
  const at = index - 16
  return `rgb(${cube[Math.floor(at / 36)]} ${cube[Math.floor(at / 6) % 6]} ${cube[at % 6]})`
}

/** `38;5;n` and `38;2;r;g;b`: the colour and how many codes it took. */
const extended = (codes: ReadonlyArray<number>, at: number): readonly [string | undefined, number] => {
  if (codes[at + 1] === 5) return [indexed(codes[at + 2] ?? 256), 2]
  if (codes[at + 1] !== 2) return [undefined, 0]
  const channels = [codes[at + 2], codes[at + 3], codes[at + 4]].map((value) => Math.min(255, value ?? 0))
  return [`rgb(${channels.join(" ")})`, 4]
}

const attributes: Readonly<Record<number, Partial<Style>>> = {
  0: plain,
  1: { isBold: true },
  2: { isDim: true },
  3: { isItalic: true },
  4: { isUnderlined: true },
  7: { isInverse: true },
  22: { isBold: false, isDim: false },
  23: { isItalic: false },
  24: { isUnderlined: false },
  27: { isInverse: false },
  39: { foreground: undefined },
  49: { background: undefined }
}

const ordinary = (code: number): Partial<Style> | undefined => {
  if (code >= 30 && code <= 37) return { foreground: `ansi-${code - 30}` }
  if (code >= 90 && code <= 97) return { foreground: `ansi-${code - 82}` }
  if (code >= 40 && code <= 47) return { background: `ansi-${code - 40}` }
  if (code >= 100 && code <= 107) return { background: `ansi-${code - 92}` }
  return attributes[code]
}

const applied = (style: Style, parameters: string): Style => {
  const codes = parameters.split(/[;:]/).map(Number)
  let next = style
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0
    if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes, at)
      next = { ...next, [code === 38 ? "foreground" : "background"]: colour }
      at += taken
    } else next = { ...next, ...ordinary(code) }
  }
  return next
}

/** The runs of a text that begins in `style`, and the style after it. */
export const ansiRuns = (text: string, style: Style): { readonly runs: ReadonlyArray<Run>; readonly style: Style } => {
  if (!text.includes("\x1b")) return { runs: [{ text: text.replace(controls, ""), style }], style }
  const runs: Array<Run> = []
  let current = style
  let from = 0
  const add = (part: string) => {
    const clean = part.replace(controls, "")
    if (clean !== "") runs.push({ text: clean, style: current })
  }
  for (const match of text.matchAll(sequence)) {
    if (runs.length >= mostRuns) break
    add(text.slice(from, match.index))
    from = match.index + match[0].length
    if (match[2] === "m") current = applied(current, match[1] ?? "")
  }
  add(text.slice(from).replace(sequence, ""))
  return { runs, style: current }
}

/** The runs of a text of its own. */
export const runsOfText = (text: string): ReadonlyArray<Run> => ansiRuns(text, plain).runs
