/** What programs print, with their colours. Blocks that have not changed are not rendered again. */
import { useLayoutEffect, useRef } from "preact/hooks"
import type { Run, Style } from "../text/ansi.js"
import { bytesText } from "../text/format.js"
import { type Block, type OutputText, runsOf } from "../text/outputText.js"
import { memo } from "./memo.js"

const classOf = (style: Style): string => {
  const names: Array<string> = []
  const [foreground, background] = style.isInverse
    ? [style.background ?? "inverse", style.foreground ?? "inverse"]
    : [style.foreground, style.background]
  if (foreground !== undefined && !foreground.startsWith("rgb")) names.push(`fg-${foreground}`)
  if (background !== undefined && !background.startsWith("rgb")) names.push(`bg-${background}`)
  if (style.isBold) names.push("bold")
  if (style.isDim) names.push("dim")
  if (style.isItalic) names.push("italic")
  if (style.isUnderlined) names.push("underlined")
  return names.join(" ")
}

const colourOf = ({ background, foreground }: Style) => {
  const colour: { color?: string; backgroundColor?: string } = {}
  if (foreground?.startsWith("rgb")) colour.color = foreground
  if (background?.startsWith("rgb")) colour.backgroundColor = background
  return colour
}

const isPlain = (style: Style): boolean => classOf(style) === "" && Object.keys(colourOf(style)).length === 0

export const Runs = ({ runs }: { readonly runs: ReadonlyArray<Run> }) => (
  <>
    {runs.map(({ style, text }, index) =>
      isPlain(style) ? text : <span key={index} class={classOf(style)} style={colourOf(style)}>{text}</span>
    )}
  </>
)

const BlockView = memo(({ block }: { readonly block: Block }) => (
  <span class={block.stream}>
    <Runs runs={runsOf(block)} />
  </span>
))

/** Follows the end of what scrolls, until somebody scrolls up in it. */
const useFollowing = () => {
  const element = useRef<HTMLPreElement>(null)
  const isAtEnd = useRef(true)
  useLayoutEffect(() => {
    if (isAtEnd.current && element.current !== null) element.current.scrollTop = element.current.scrollHeight
  })
  const onScroll = () => {
    const { clientHeight, scrollHeight, scrollTop } = element.current!
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24
  }
  return { element, onScroll }
}

interface OutputViewProps {
  readonly label: string
  readonly omitted: number
  readonly output: OutputText
}

export const OutputView = ({ label, omitted, output }: OutputViewProps) => {
  const { element, onScroll } = useFollowing()
  const missing = omitted + output.omitted
  return (
    <>
      {missing === 0 ? null : <p class="note">{bytesText(missing)} of output are no longer shown.</p>}
      {output.blocks.length === 0 ?
        null :
        (
          <pre ref={element} class="output" tabIndex={0} role="group" aria-label={label} onScroll={onScroll}>
          {output.blocks.map((block) => <BlockView key={block.id} block={block} />)}
          </pre>
        )}
    </>
  )
}
