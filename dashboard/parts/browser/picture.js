// Shows what the server has drawn. Where it has cells, each says something when it is pointed at, and can be chosen.

function cellBelow({ target, clientX, clientY }) {
  const one = target.closest("[data-number]")
  if (one) return { number: Number(one.dataset.number), word: one.dataset.word }
  const cells = target.closest(".cells")
  if (!cells) return {}
  const { columns, rows, says, each } = cells.dataset
  const box = cells.getBoundingClientRect()
  const place = (at, size, n) => Math.min(n - 1, Math.max(0, Math.floor((at / size) * n)))
  const row = place(clientY - box.top, box.height, rows)
  const column = place(clientX - box.left, box.width, columns)
  const number = row * columns + column
  const said = says.split("|")[number]
  return { number, word: said && each.replace(/{(\w+)}/g, (_, name) => ({ row, column, number, says: said })[name]) }
}

const shown = new WeakMap()
const clicked = new WeakSet()
const arrived = new WeakSet()
const TOUCHES = ["wheel", "touchmove", "pointerdown", "keydown"]

// What stands above comes bit by bit: so it stays in sight until that is done, or the reader does something.
function arrive(element) {
  const end = new AbortController()
  for (const touch of TOUCHES) addEventListener(touch, () => end.abort(), { signal: end.signal, passive: true })
  const stay = () => end.signal.aborted || element.scrollIntoView({ block: "start" })
  for (const wait of [0, 200, 500, 1000, 2000]) setTimeout(stay, wait)
  setTimeout(() => end.abort(), 2500)
}

// Once all its pictures can be painted: or there would be a moment without any.
async function draw(picture, html) {
  const next = document.createElement("div")
  next.innerHTML = html
  const images = [...next.querySelectorAll("img")]
  for (const ink of next.querySelectorAll(".ink")) {
    images.push(Object.assign(new Image(), { src: ink.style.getPropertyValue("--ink").slice(4, -1) }))
  }
  await Promise.all(images.map((image) => image.decode()))
  if (shown.get(picture) !== html) return
  const focused = picture.getRootNode().activeElement?.dataset.number
  picture.replaceChildren(...next.childNodes)
  if (focused !== undefined) picture.querySelector(`button[data-number="${focused}"]`)?.focus() // the same one, anew
}

export default function ({ data, parentElement, setTriggerValue }) {
  const picture = parentElement.querySelector(".picture")
  const word = parentElement.querySelector(".word")
  if (shown.get(picture) !== data.html) {
    shown.set(picture, data.html)
    draw(picture, data.html)
  }
  if (clicked.delete(picture)) {
    const revealed = document.querySelector(`.st-key-${data.reveals}`)
    const top = revealed?.getBoundingClientRect().top
    // where it begins in sight, a page that moves would only be in the way of the next click
    if (top < 0 || top > 0.6 * innerHeight) revealed.scrollIntoView({ block: "nearest", behavior: "smooth" })
  }
  const place = data.arrive && !arrived.has(picture) && document.querySelector(`.st-key-${data.arrive}`)
  if (place) {
    arrived.add(picture)
    arrive(place)
  }
  picture.setAttribute("aria-label", data.alt)
  picture.classList.toggle("to-choose", data.choose)
  picture.onpointermove = (event) => {
    const below = cellBelow(event).word
    if (!below) return word.hidePopover()
    word.textContent = below
    word.style.left = `${event.clientX}px`
    word.style.top = `${event.clientY}px`
    word.showPopover()
  }
  picture.onpointerleave = () => word.hidePopover()
  picture.onclick = (event) => {
    const { number, word: said } = cellBelow(event)
    if (!data.choose || number === undefined || !said) return
    if (data.reveals) clicked.add(picture)
    setTriggerValue("chosen", number)
  }
}
