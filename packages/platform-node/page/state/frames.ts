/** Work done once per frame however often it is asked for; a hidden page has no frames, so a timer does it there. */
export const oncePerFrame = (work: () => void): () => void => {
  let isAsked = false
  const run = () => {
    isAsked = false
    work()
  }
  return () => {
    if (isAsked) return
    isAsked = true
    if (document.visibilityState === "visible") requestAnimationFrame(run)
    else setTimeout(run, 500)
  }
}
