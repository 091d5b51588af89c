/** A shell of the session in xterm.js: bytes both ways, its size as a message of text. */
import { FitAddon } from "@xterm/addon-fit"
import { type ITheme, Terminal } from "@xterm/xterm"
import { socketAddress } from "../wire/api.js"

export interface OpenTerminal {
  readonly fit: () => void
  readonly dispose: () => void
}

const noTerminal = 4404

/** What comes faster than it can be drawn is left out beyond this. */
const mostWaiting = 8 * 2 ** 20

const colours = [
  "black",
  "red",
  "green",
  "yellow",
  "blue",
  "magenta",
  "cyan",
  "white",
  "brightBlack",
  "brightRed",
  "brightGreen",
  "brightYellow",
  "brightBlue",
  "brightMagenta",
  "brightCyan",
  "brightWhite"
] as const

const themeOf = (element: Element): ITheme => {
  const style = getComputedStyle(element)
  const read = (name: string) => style.getPropertyValue(name).trim()
  return {
    background: read("--terminal"),
    foreground: read("--text"),
    cursor: read("--text"),
    cursorAccent: read("--terminal"),
    selectionBackground: read("--selection"),
    ...Object.fromEntries(colours.map((name, index) => [name, read(`--ansi-${index}`)]))
  }
}

const reasonOf = ({ code, reason }: CloseEvent): string => {
  if (code === noTerminal) return reason || "This session has no terminals."
  return code === 1000 ? reason || "The shell has ended." : reason || "The connection to the shell is lost."
}

const makeTerminal = (place: HTMLElement): Terminal =>
  new Terminal({
    fontFamily: getComputedStyle(place).getPropertyValue("--mono"),
    fontSize: 13,
    scrollback: 5000,
    screenReaderMode: true,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    theme: themeOf(place)
  })

/** Writes what arrives, and says where it had to leave something out. */
const writerOf = (terminal: Terminal) => {
  let waiting = 0
  let isSkipping = false
  return (bytes: Uint8Array): void => {
    if (waiting > mostWaiting) {
      if (!isSkipping) terminal.write("\r\n[output left out]\r\n")
      isSkipping = true
      return
    }
    isSkipping = false
    waiting += bytes.length
    terminal.write(bytes, () => {
      waiting -= bytes.length
    })
  }
}

const connect = (terminal: Terminal, onEnd: (reason: string) => void): WebSocket => {
  const socket = new WebSocket(socketAddress(`/api/terminal?columns=${terminal.cols}&rows=${terminal.rows}`))
  socket.binaryType = "arraybuffer"
  // What is typed before the shell is reached waits for it.
  const early: Array<string | Uint8Array<ArrayBuffer>> = []
  const send = (data: string | Uint8Array<ArrayBuffer>) => {
    if (socket.readyState === WebSocket.CONNECTING) early.push(data)
    else if (socket.readyState === WebSocket.OPEN) socket.send(data)
  }
  const write = writerOf(terminal)
  socket.onopen = () => early.splice(0).forEach(send)
  socket.onmessage = ({ data }) => data instanceof ArrayBuffer && write(new Uint8Array(data))
  socket.onclose = (event) => {
    terminal.options.disableStdin = true
    onEnd(reasonOf(event))
  }
  terminal.onData((text) => send(new TextEncoder().encode(text)))
  terminal.onBinary((text) => send(Uint8Array.from(text, (character) => character.charCodeAt(0))))
  terminal.onResize(({ cols, rows }) => send(JSON.stringify({ columns: cols, rows })))
  return socket
}

export const openTerminal = (place: HTMLElement, onEnd: (reason: string) => void): OpenTerminal => {
  const terminal = makeTerminal(place)
  const addon = new FitAddon()
  terminal.loadAddon(addon)
  terminal.open(place)
  terminal.attachCustomKeyEventHandler(({ key }) => key !== "F6")
  const fit = () => void (place.clientWidth > 0 && addon.fit())
  fit()
  const socket = connect(terminal, onEnd)
  const observer = new ResizeObserver(fit)
  observer.observe(place)
  const scheme = matchMedia("(prefers-color-scheme: dark)")
  const onScheme = () => {
    terminal.options.theme = themeOf(place)
  }
  scheme.addEventListener("change", onScheme)
  terminal.focus()
  return {
    fit,
    dispose: () => {
      socket.onclose = null
      socket.close()
      observer.disconnect()
      scheme.removeEventListener("change", onScheme)
      terminal.dispose()
    }
  }
}
