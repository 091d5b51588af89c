/** What a session displays as a document for a frame, which tells the page around it how high it would like to be. */

const style = "<style>body{margin:8px;font:14px/1.45 system-ui,sans-serif}" +
  "table{border-collapse:collapse}td,th{padding:3px 8px;border:1px solid #dcdcd5;text-align:left}</style>"

const tellHeight = `<script>new ResizeObserver(() => parent.postMessage({
  agbFrameHeight: Math.ceil(document.documentElement.getBoundingClientRect().height)
}, "*")).observe(document.documentElement)</script>`

const isWhole = /^\s*(?:<!--[^]*?-->\s*)*<(?:!doctype|html)\b/i

/** Before the root of an SVG, which HTML has no place for. */
const prolog = /^\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--[^]*?-->\s*)*(?:<!doctype[^[>]*(?:\[[^\]]*\])?[^>]*>\s*)?/i

/** HTML with the script at its end. A fragment, and an SVG, get a document around them. */
export const frameDocument = ({ text, type }: { readonly type: string; readonly text: string }): string => {
  if (type === "text/html" && isWhole.test(text)) return `${text}${tellHeight}`
  const body = type === "text/html" ? text : text.replace(prolog, "")
  return `<!doctype html><meta charset="utf-8">${style}<body>${body}${tellHeight}`
}
