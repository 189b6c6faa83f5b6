// When the server is asked for news: not before it said so, not before the last news is on the screen, not while a
// pointer is held down (what is dragged must not move under the hand), not while somebody is on the way to another
// page (Streamlit would go back to the one that asks), and never in a hidden tab. The page is not run anew before it has
// run to its end, or a slow page would never come there; and not right after somebody did something, for Streamlit
// forgets a click that it has not begun to work on when it is asked to run the page.

const beats = new WeakMap()
const NO_ANSWER = 10_000 // milliseconds after which a question is taken for lost
const ON_THE_WAY = 2000 // milliseconds that a page is given to come once its link was clicked
const TAKEN_UP = 1000 // milliseconds that a click is given to be worked on, from the end of the run that it waits for

let held = false
let left = -ON_THE_WAY
addEventListener("click", (event) => event.target.closest?.("a[href]") && (left = performance.now()), true)
const busy = () => held || performance.now() - left < ON_THE_WAY
addEventListener("pointerdown", () => (held = true), true)
for (const released of ["pointerup", "pointercancel", "blur"]) addEventListener(released, () => (held = false), true)
const running = () =>
  ["running", "rerunRequested"].includes(document.querySelector("[data-testid=stApp]")?.dataset.testScriptState)
let acted = -TAKEN_UP
const act = () => (acted = performance.now())
for (const done of ["pointerdown", "click", "keydown", "change"]) addEventListener(done, act, true)
function occupied() {
  const waiting = performance.now() - acted < TAKEN_UP
  if (waiting && running()) act()
  return waiting || running() || busy()
}

function beat(element, milliseconds, ask, wait = busy) {
  beats.get(element)?.abort()
  if (milliseconds === null) return
  const ending = new AbortController()
  beats.set(element, ending)
  const over = () => ending.signal.aborted || !element.isConnected
  const look = () => {
    if (over()) return
    if (document.hidden) {
      document.addEventListener("visibilitychange", look, { once: true, signal: ending.signal })
    } else if (wait()) {
      setTimeout(look, 100)
    } else {
      requestAnimationFrame(() => {
        if (over() || wait()) return look() // a frame is long enough for a click
        setTimeout(look, NO_ANSWER)
        ask(over)
      })
    }
  }
  setTimeout(look, milliseconds)
}

// Asks beside the page what is new of its run or race, tells it, and has the page run anew once it has become another one.
const base = document.querySelector("script[src*='/static/js/']").src.split("/static/js/")[0]

function follow(element, { live, told, follows, interval_ms, viewer }, after, tell, rerun) {
  if (!live) return beat(element, null)
  const since = performance.now()
  const ask = async (over) => {
    const [from, of] = told.race ? ["race-news", { race: told.race }] : ["news", { run: told.run }]
    const asked = new URLSearchParams({ ...of, viewer, ...(after && { after: after() }) })
    const answer = await fetch(`${base}/${from}?${asked}`).catch(() => null)
    if (!answer?.ok) return answer?.status === 404 && rerun()
    const news = await answer.json()
    if (over()) return
    tell(news)
    const another = JSON.stringify(news.shown) !== JSON.stringify(told.shown) || (follows && news.newest !== told.newest)
    const early = interval_ms - (performance.now() - since)
    if (another && early <= 0 && !occupied()) rerun()
    else beat(element, another && early > 0 ? Math.min(early, news.ask_ms) : news.ask_ms, ask)
  }
  beat(element, told.ask_ms, ask)
}
