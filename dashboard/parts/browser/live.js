// Hands every news to the curves, and tells the server with each beat which step is the last that is here.

const READY_MILLISECONDS = 20 // between two looks for the curves: they came with the page, and may still be on their way

export default function ({ data, parentElement, setTriggerValue }) {
  const show = () => {
    if (!globalThis.nnlibCurves) return setTimeout(show, READY_MILLISECONDS)
    const step = globalThis.nnlibCurves(parentElement, data)
    beat(parentElement, data.interval_ms, () => setTriggerValue("tick", { run: data.run, step }))
  }
  show()
}
