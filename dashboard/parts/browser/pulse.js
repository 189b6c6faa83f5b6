// When the server is asked for news: not before it said so, not before the last news is on the screen, not while a
// pointer is held down (what is dragged must not move under the hand), and never in a hidden tab.

const beats = new WeakMap()
const NO_ANSWER = 10_000 // milliseconds after which a question is taken for lost

let held = false
addEventListener("pointerdown", () => (held = true), true)
for (const released of ["pointerup", "pointercancel", "blur"]) addEventListener(released, () => (held = false), true)

function beat(element, milliseconds, ask) {
  beats.get(element)?.abort()
  if (milliseconds === null) return
  const ending = new AbortController()
  beats.set(element, ending)
  const over = () => ending.signal.aborted || !element.isConnected
  const look = () => {
    if (over()) return
    if (document.hidden) {
      document.addEventListener("visibilitychange", look, { once: true, signal: ending.signal })
    } else if (held) {
      setTimeout(look, 100)
    } else {
      requestAnimationFrame(() => {
        if (over()) return
        setTimeout(look, NO_ANSWER)
        ask()
      })
    }
  }
  setTimeout(look, milliseconds)
}
