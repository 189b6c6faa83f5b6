// The line that says what a run is doing, and how far it is; on a page that says so itself, it is told by that.

const LINE = "nnlib-line"
const lines = new WeakMap()

function write(element, { text, share, active }) {
  share = active ? share : null
  element.querySelector(".text").textContent = text
  const bar = element.querySelector(".bar")
  bar.hidden = share === null
  bar.setAttribute("aria-valuenow", Math.round(100 * share))
  bar.firstElementChild.style.width = `${100 * share}%`
}

export default function ({ data, parentElement, setTriggerValue }) {
  write(parentElement, data.told)
  lines.get(parentElement)?.abort()
  const ending = new AbortController()
  lines.set(parentElement, ending)
  addEventListener(LINE, (event) => write(parentElement, event.detail), { signal: ending.signal })
  const tell = (news) => write(parentElement, news)
  follow(parentElement, data, null, tell, () => setTriggerValue("tick", data.beat))
  return () => ending.abort()
}
