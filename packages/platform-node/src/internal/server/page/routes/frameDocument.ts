/** What a session displays as a document for a frame, which tells the page around it how high it would like to be. */

const style = "<style>body{margin:8px;font:14px/1.45 system-ui,sans-serif}" +
  "table{border-collapse:collapse}td,th{padding:3px 8px;border:1px solid #dcdcd5;text-align:left}</style>"

const tellingHeight = `new ResizeObserver(() => parent.postMessage({
  agbFrameHeight: Math.ceil(document.documentElement.getBoundingClientRect().height)
}, "*")).observe(document.documentElement)`

const tellHeight = `<script>${tellingHeight}</script>`

const start = `<!doctype html><meta charset="utf-8">${style}<body>`

const isWhole = /^\s*(?:<!--[^]*?-->\s*)*<(?:!doctype|html)\b/i

/** Before the root of an SVG, which HTML has no place for. */
const prolog = /^\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--[^]*?-->\s*)*(?:<!doctype[^[>]*(?:\[[^\]]*\])?[^>]*>\s*)?/i

/** HTML with the script at its end. A fragment, and an SVG, get a document around them. */
export const frameDocument = ({ text, type }: { readonly type: string; readonly text: string }): string => {
  if (type === "text/html" && isWhole.test(text)) return `${text}${tellHeight}`
  const body = type === "text/html" ? text : text.replace(prolog, "")
  return `${start}${body}${tellHeight}`
}

/** A document that becomes the HTML which the page around it sends: for what the server does not have, as of a notebook. */
export const sentDocument: string = `<!doctype html><meta charset="utf-8"><script>
addEventListener("message", ({ data, source }) => {
  if (source !== parent || typeof data?.agbHtml !== "string") return
  document.open()
  document.write((/^\\s*<(?:!doctype|html)\\b/i.test(data.agbHtml) ? "" : ${JSON.stringify(start)}) + data.agbHtml)
  document.close()
  ${tellingHeight}
})
</script>`
