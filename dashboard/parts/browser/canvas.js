// The canvas of its package, but for one thing: it would wait a fifth of a second after each stroke before it says so.

const WAIT = 200 // milliseconds, as the package has them
const base = document.querySelector("script[src*='/static/js/']").src.split("/static/js/")[0]
const hurry = `const setTimeout = (act, wait) => globalThis.setTimeout(act, wait === ${WAIT} ? 0 : wait);\n`

let canvas = null
const loading = fetch(`${base}/_stcore/bidi-components/streamlit-drawable-canvas.streamlit_drawable_canvas/FILE`)
  .then((answer) => answer.text())
  .then((source) => import(URL.createObjectURL(new Blob([hurry, source], { type: "text/javascript" }))))
  .then((module) => (canvas = module.default))

export default function (component) {
  if (canvas) return canvas(component)
  let remove = null
  let removed = false
  loading.then(() => removed || (remove = canvas(component)))
  return () => {
    removed = true
    remove?.()
  }
}
