/**
 * Work done once per frame however often it is asked for. When it and the frame that it causes take long, it rests three
 * times as long before the next, so that a flood of output leaves the page usable. A hidden page has no frames: a timer does
 * it there.
 */
const ordinaryFrame = 34
const restShare = 3

export const oncePerFrame = (work: () => void): () => void => {
  let isAsked = false
  let restUntil = 0
  const run = () => {
    isAsked = false
    const start = performance.now()
    work()
    requestAnimationFrame(() =>
      setTimeout(() => {
        const end = performance.now()
        restUntil = end + restShare * Math.max(0, end - start - ordinaryFrame)
      })
    )
  }
  return () => {
    if (isAsked) return
    isAsked = true
    const rest = restUntil - performance.now()
    if (document.visibilityState === "hidden") setTimeout(run, 500)
    else if (rest > 0) setTimeout(run, rest)
    else requestAnimationFrame(run)
  }
}
