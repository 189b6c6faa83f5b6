// Draws the curves as the page has them, and from then on what is new.

const READY_MILLISECONDS = 20 // between two looks for the curves: they came with the page, and may still be on their way

export default function ({ data, parentElement, setTriggerValue }) {
  const show = () => {
    if (!globalThis.nnlibCurves) return setTimeout(show, READY_MILLISECONDS)
    let step = 0
    const tell = (news) => (step = globalThis.nnlibCurves(parentElement, { ...data, ...news }))
    tell(data.told)
    follow(parentElement, data, () => step, tell, () => setTriggerValue("tick", data.beat))
  }
  show()
}
