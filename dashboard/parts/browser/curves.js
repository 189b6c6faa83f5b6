// The two live curves, drawn by uPlot. The server sends what is new since the step that it was told; the rest is here already.

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, notation: "standard" })
const percent = (value) => (value == null ? "–" : `${value.toFixed(1)} %`)
const loss = (value) => (value == null ? "–" : value < 1000 ? plain.format(Number(value.toPrecision(3))) : "over 1,000")

const UNITS = [[1e12, "trillion"], [1e9, "billion"], [1e6, "million"]]
const MOST_LOSS = 1e12 // that is drawn: a training that is thrown further off leaves the chart
const MOST_TICKS = 6
const WRONG = "#e03131" // where it began to go wrong
const VALIDATION = 4 // the row of the new digits among those of uPlot

// A number on an axis, as people write it.
function tickText(tick) {
  const [unit, name] = UNITS.find(([unit]) => tick >= unit) ?? [1, ""]
  return `${plain.format(tick / unit)} ${name}`.trim()
}

// The ends of a logarithmic axis with room around what is on it, also where that is nearly the same everywhere.
function logRange(lowest, highest) {
  const high = Math.log10(Math.min(highest, MOST_LOSS)) + 0.1
  const low = Math.min(Math.log10(lowest), high) - 0.1
  const wider = Math.max(0, 0.8 - (high - low)) / 2
  return [10 ** (low - wider), 10 ** (high + wider)]
}

// 1, 2 and 5 of each power of ten, or ever fewer powers of ten: at most MOST_TICKS.
function logTicks(low, high) {
  const first = Math.floor(Math.log10(low))
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, index) => first + index)
  for (let every = 0; ; every++) {
    const numbers = powers.filter((power) => every < 2 || power % every === 0).flatMap((power) => (every ? [1] : [1, 2, 5]).map((digit) => Number(`${digit}e${power}`)))
    const ticks = numbers.filter((number) => low <= number && number <= high)
    if (ticks.length <= MOST_TICKS) return ticks.length > 1 ? ticks : [low, high]
  }
}

function style(element, name) {
  return getComputedStyle(element).getPropertyValue(name).trim()
}

// What the server has sent of a run so far: points within epochs, and epochs.
class Learned {
  constructor(news) {
    this.run = news.run
    this.points = []
    this.records = []
  }

  get step() {
    return Math.max(this.points.at(-1)?.[0] ?? 0, this.records.at(-1)?.[0] ?? 0)
  }

  add({ points, records, after }) {
    const upTo = (each) => each[0] <= after
    this.points = [...this.points.filter(upTo), ...points]
    this.records = [...this.records.filter(upTo), ...records]
  }
}

// Marks at the same epoch, with their numbers side by side.
function together(marks) {
  const numbers = new Map()
  for (const [epoch, number] of marks) numbers.set(epoch, numbers.has(epoch) ? `${numbers.get(epoch)}, ${number}` : `${number}`)
  return [...numbers]
}

// The average of each point with its neighbours, a fiftieth of the curve to either side; at the ends, of fewer.
function smoothed(values) {
  const most = Math.floor(values.length / 50)
  return values.map((_, index) => {
    const reach = Math.min(most, index, values.length - 1 - index)
    const near = values.slice(index - reach, index + reach + 1)
    return near.reduce((sum, value) => sum + value, 0) / near.length
  })
}

// The points within epochs, and an epoch itself where it was too quick for any: else the line would leap over it.
function withoutLeaps({ points, records }) {
  if (!points.length) return points
  const seen = new Set(points.map((point) => Math.ceil(point[1])))
  const quick = records.filter((record) => !seen.has(record[1])).map((record) => record.slice(0, 4))
  return [...points, ...quick].sort((one, other) => one[1] - other[1])
}

// Rows of uPlot: x, then one row for each line, with nulls where a line has no point at this x.
function rows(learned, beside, within, training, validation) {
  const table = new Map()
  const put = (epoch, row, value) => {
    if (!table.has(epoch)) table.set(epoch, [null, null, null, null, null])
    table.get(epoch)[row] = value
  }
  const points = withoutLeaps(learned)
  const smooth = smoothed(points.map((point) => point[within]))
  points.forEach((point, index) => {
    put(point[1], 0, point[within])
    put(point[1], 1, smooth[index])
  })
  for (const record of learned.records) {
    put(record[1], 2, record[training])
    put(record[1], 3, record[validation])
  }
  for (const record of beside?.records ?? []) put(record[1], 4, record[validation])
  const epochs = [...table.keys()].sort((one, other) => one - other)
  const lines = beside ? [0, 1, 2, 3, 4] : [0, 1, 2, 3]
  return [epochs, ...lines.map((row) => epochs.map((epoch) => table.get(epoch)[row]))]
}

class Chart {
  constructor(place, { name, title, label, unit, log, logEpochs, values, range, beside, epochs }) {
    this.place = place
    Object.assign(this, { name, title, values, marks: [], advice: [] })
    const axis = {
      stroke: () => style(place, "--st-text-color"),
      grid: { stroke: () => style(place, "--st-border-color"), width: 1 },
      ticks: { show: false },
      font: `13px ${style(place, "--st-font")}`,
      labelFont: `13px ${style(place, "--st-font")}`,
    }
    const line = (name, stroke, more) => ({ label: name, stroke, value: (_, value) => values(value), spanGaps: true, ...more })
    const few = { points: { show: (plot, index) => plot.data[index].filter((value) => value != null).length <= 60, size: 6 } }
    this.plot = new uPlot(
      {
        ...this.size(),
        padding: [12, 12, 0, 0],
        cursor: { drag: { x: true, y: true, uni: 20 }, points: { size: 7 } },
        legend: { live: false, markers: { width: 3, dash: (_, index) => ["", "solid", "solid", "dotted", "solid", "dashed"][index] } },
        scales: { x: { time: false, distr: logEpochs ? 3 : 1, range: (_, low, high) => (this.zoomed ? [low, high] : logEpochs ? [Math.min(low ?? 0.1, 0.1 * epochs), epochs * 1.1] : [0, epochs * 1.02]) }, y: { distr: log ? 3 : 1, range } },
        axes: [
          { ...axis, label: say("epochs (passes over all training digits)"), labelSize: 22, size: 34, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) || logEpochs ? plain.format(tick) : "")), ...(logEpochs && { splits: (_, __, low, high) => logTicks(low, high), filter: (_, ticks) => ticks }) },
          { ...axis, label: unit, labelSize: 22, size: log ? 84 : 56, values: (_, ticks) => ticks.map(tickText), ...(log && { splits: (_, __, low, high) => logTicks(low, high), filter: (_, ticks) => ticks }) },
        ],
        series: [
          { label: "epoch", value: (_, value) => (value == null ? "–" : plain.format(Number(value.toFixed(1)))) },
          line("training, batch by batch", "#5c7cfa55", { width: 1, points: { show: false } }),
          line("training, smoothed", "#5c7cfa", { width: 1.5, points: { show: false } }),
          line(say("training digits"), "#5c7cfa", { width: 2, dash: [3, 4], ...few }),
          line(say("new digits"), "#f08c00", { width: 3, ...few }),
          ...(beside ? [line(`${say("new digits")}, ${beside.name}`, "#8c95a8", { width: 2, dash: [8, 5], points: { show: false } })] : []),
        ],
        hooks: {
          setSelect: [(plot) => (this.zoomed ||= plot.select.width > 0)],
          setCursor: [(plot) => this.point(plot)],
          draw: [(plot) => this.mark(plot)],
        },
      },
      Array.from({ length: beside ? 6 : 5 }, () => []),
      place,
    )
    this.plot.over.addEventListener("dblclick", () => {
      this.zoomed = false
      this.plot.setData(this.plot.data, true)
    })
    this.observer = new ResizeObserver(() => this.plot.setSize(this.size()))
    this.observer.observe(place)
    place.setAttribute("role", "img")
    this.label = label
  }

  // What the lines are under the pointer.
  point({ cursor: { idx, left, top }, data, series, over }) {
    this.tip ??= over.appendChild(Object.assign(document.createElement("div"), { className: "tip" }))
    const lines = idx == null || left < 0 ? [] : series.slice(1).flatMap((line, index) => (data[index + 1][idx] == null || line.label === "training, batch by batch" ? [] : [`${line.label}: ${this.values(data[index + 1][idx])}`]))
    this.tip.hidden = !lines.length
    if (!lines.length) return
    this.tip.innerText = [`epoch ${plain.format(Number(data[0][idx].toFixed(2)))}`, ...lines].join("\n")
    this.tip.style.left = `${Math.max(0, left > over.clientWidth / 2 ? left - this.tip.offsetWidth - 12 : left + 12)}px`
    this.tip.style.top = `${Math.min(Math.max(0, top), over.clientHeight - this.tip.offsetHeight)}px`
  }

  // Where something was changed, with its number, where something went wrong, and a star at the best epoch.
  mark({ ctx, bbox, valToPos, data, series }) {
    const ratio = devicePixelRatio
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left - 10 * ratio, bbox.top - 12 * ratio, bbox.width + 20 * ratio, bbox.height + 12 * ratio)
    ctx.clip()
    ctx.font = `600 ${12 * ratio}px ${style(this.place, "--st-font")}`
    ctx.textAlign = "center"
    ctx.strokeStyle = ctx.fillStyle = style(this.place, "--st-text-color")
    ctx.lineWidth = ratio
    ctx.setLineDash([2 * ratio, 4 * ratio])
    for (const [epoch, numbers] of this.marks) {
      const x = valToPos(epoch, "x", true)
      ctx.beginPath()
      ctx.moveTo(x, bbox.top + 6 * ratio)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      ctx.fillText(numbers, x, bbox.top + 2 * ratio)
    }
    for (const epoch of this.advice) {
      const x = valToPos(epoch, "x", true)
      ctx.strokeStyle = ctx.fillStyle = WRONG
      ctx.setLineDash([])
      ctx.beginPath()
      ctx.moveTo(x, bbox.top + 18 * ratio)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      ctx.beginPath()
      ctx.arc(x, bbox.top + 9 * ratio, 9 * ratio, 0, 2 * Math.PI)
      ctx.fill()
      ctx.fillStyle = "white"
      ctx.font = `700 ${13 * ratio}px ${style(this.place, "--st-font")}`
      ctx.fillText("!", x, bbox.top + 13 * ratio)
    }
    const best = data[0].indexOf(this.best)
    if (best >= 0 && data[VALIDATION][best] != null) {
      ctx.font = `${18 * ratio}px ${style(this.place, "--st-font")}`
      ctx.fillStyle = series[VALIDATION].stroke()
      ctx.fillText("★", valToPos(this.best, "x", true), valToPos(data[VALIDATION][best], "y", true) - 7 * ratio)
    }
    ctx.restore()
  }

  size() {
    const width = Math.max(220, this.place.clientWidth)
    return { width, height: Math.round(Math.max(220, Math.min(0.72 * width, 0.44 * innerHeight))) }
  }

  draw(data, said, { marks, advice, best }) {
    this.marks = together(marks)
    this.advice = advice
    this.best = best
    this.plot.setData(data, !this.zoomed)
    if (this.zoomed) {
      const { min, max } = this.plot.scales.y
      this.plot.batch(() => {
        this.plot.redraw() // which would fit the height to what is new
        this.plot.setScale("y", { min, max })
      })
    }
    this.place.setAttribute("aria-label", `${this.label}: ${said}`)
    this.place.dataset.points = data.filter((_, row) => row !== 0 && row !== 2).flat().filter((value) => value != null).length
    this.place.dataset.marks = marks.length
    this.place.dataset.advice = advice.join()
  }

  // What is on the screen, as a drawing that any program opens.
  svg() {
    const { plot } = this
    const ratio = devicePixelRatio
    const [left, top, width, height] = ["left", "top", "width", "height"].map((side) => plot.bbox[side] / ratio)
    const [ink, grid, font] = ["--st-text-color", "--st-border-color", "--st-font"].map((name) => style(this.place, name))
    const x = (value) => left + plot.valToPos(value, "x")
    const y = (value) => top + plot.valToPos(value, "y")
    const text = (at, down, words, more = "") => `<text x="${at.toFixed(1)}" y="${down.toFixed(1)}" ${more}>${words.replace(/[&<]/g, (sign) => (sign === "&" ? "&amp;" : "&lt;"))}</text>`
    const rule = (x1, y1, x2, y2, more) => `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`
    const [across, up] = plot.axes
    const lines = plot.series.slice(1).map((line, index) => {
      const path = plot.data[index + 1].flatMap((value, place) => (value == null ? [] : [`${x(plot.data[0][place]).toFixed(1)},${y(value).toFixed(1)}`]))
      return `<polyline points="${path.join(" ")}" fill="none" stroke="${line.stroke()}" stroke-width="${line.width}" stroke-dasharray="${(line.dash ?? []).join(" ")}"/>`
    })
    const named = plot.series.slice(3)
    const best = plot.data[0].indexOf(this.best)
    const total = [this.place.clientWidth, top + height + 58 + 20 * named.length]
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${total[0]}" height="${total[1] + 24}" viewBox="0 -24 ${total[0]} ${total[1] + 24}" font-family="${font.replaceAll('"', "'")}" font-size="13" fill="${ink}">`,
      `<rect y="-24" width="100%" height="100%" fill="${style(this.place, "--st-background-color")}"/>`,
      text(0, -6, this.title, 'font-weight="600" font-size="15"'),
      `<clipPath id="inside"><rect x="${left}" y="${top}" width="${width}" height="${height}"/></clipPath>`,
      ...across._splits.map((tick, place) => rule(x(tick), top, x(tick), top + height, `stroke="${grid}"`) + text(x(tick), top + height + 18, `${across._values[place]}`, 'text-anchor="middle"')),
      ...up._splits.map((tick, place) => rule(left, y(tick), left + width, y(tick), `stroke="${grid}"`) + text(left - 6, y(tick) + 4, `${up._values[place]}`, 'text-anchor="end"')),
      text(left + width / 2, top + height + 38, across.label, 'text-anchor="middle"'),
      `<g transform="rotate(-90)">${text(-(top + height / 2), 14, up.label, 'text-anchor="middle"')}</g>`,
      `<g clip-path="url(#inside)">${lines.join("")}</g>`,
      ...this.marks.map(([epoch, numbers]) => rule(x(epoch), top, x(epoch), top + height, `stroke="${ink}" stroke-dasharray="2 4"`) + text(x(epoch), top - 2, numbers, 'text-anchor="middle"')),
      ...this.advice.map((epoch) => rule(x(epoch), top, x(epoch), top + height, `stroke="${WRONG}"`) + text(x(epoch), top + 14, "!", `text-anchor="middle" font-weight="700" fill="${WRONG}" dx="7"`)),
      ...(best >= 0 && plot.data[VALIDATION][best] != null ? [text(x(this.best), y(plot.data[VALIDATION][best]) - 6, "★", `text-anchor="middle" font-size="18" fill="${plot.series[VALIDATION].stroke()}"`)] : []),
      ...named.map((line, row) => rule(left, top + height + 56 + 20 * row, left + 24, top + height + 56 + 20 * row, `stroke="${line.stroke()}" stroke-width="3" stroke-dasharray="${(line.dash ?? []).join(" ")}"`) + text(left + 32, top + height + 60 + 20 * row, line.label)),
      "</svg>",
    ].join("\n")
  }

  remove() {
    this.observer.disconnect()
    this.plot.destroy()
    this.place.replaceChildren()
  }
}

// Hands a file to whoever sits before the browser.
function save(name, content) {
  const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(content) })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

async function savePicture(name, drawing, kind) {
  const content = new Blob([drawing], { type: "image/svg+xml" })
  if (kind === "svg") return save(`${name}.svg`, content)
  const picture = new Image()
  picture.src = URL.createObjectURL(content)
  await picture.decode()
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * picture.width, height: 2 * picture.height })
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height)
  URL.revokeObjectURL(picture.src)
  canvas.toBlob((drawn) => save(`${name}.png`, drawn))
}

class Panel {
  constructor(element) {
    this.element = element
    for (const box of element.querySelectorAll(".tools input")) box.addEventListener("change", () => this.show({ ...this.news, points: [], records: [], after: Infinity }))
    for (const button of element.querySelectorAll(".tools button")) {
      button.addEventListener("click", () => {
        for (const chart of this.charts) savePicture(`run-${this.news.run}-${chart.name}`, chart.svg(), button.name)
      })
    }
  }

  ticked(name) {
    return this.element.querySelector(`.tools [name=${name}]`).checked
  }

  // A run that blows up needs another axis: the charts are then made anew.
  shape(news) {
    const worst = Math.max(...this.learned.points.map((point) => point[2]), ...this.learned.records.map((record) => record[2]), 0)
    return JSON.stringify([news.run, news.epochs, news.beside, this.ticked("log-epochs"), this.ticked("log-loss") || worst > news.log_above])
  }

  make(news, log) {
    for (const chart of this.charts ?? []) chart.remove()
    const lossRange = (_, low, high) => (high == null ? [0, 2.5] : log ? logRange(low, high) : [0, 1.1 * this.usual()])
    const around = (low) => [Math.max(0, low - (100 - low) * 0.1), 100 + (100 - low) * 0.04]
    const accuracyRange = (_, low) => (low == null ? [0, 100] : around(this.usualLow()))
    const zoomable = (range) => (plot, low, high) => (this.zooming(plot) ? [low, high] : range(plot, low, high))
    const common = { beside: news.beside, epochs: news.epochs, logEpochs: this.ticked("log-epochs") }
    this.charts = [
      new Chart(this.element.querySelector(".loss"), { ...common, name: "loss", title: "How wrong it is: loss", label: "The loss over the epochs", unit: log ? "loss (log scale)" : "loss (0 is perfect)", log, values: loss, range: zoomable(lossRange) }),
      new Chart(this.element.querySelector(".accuracy"), { ...common, name: "accuracy", title: "How many it reads right: accuracy", label: say("The share of digits read right, over the epochs"), unit: say("digits read right (%)"), log: false, values: percent, range: zoomable(accuracyRange) }),
    ]
  }

  // The first losses, of a network that only guesses, would press all others flat: they may leave the chart.
  usual() {
    const { points } = this.learned
    const later = points.filter((point) => point[1] >= 0.5)
    const most = Math.max(0, ...(later.length ? later : points).map((point) => point[2]))
    return Math.max(0.2, most, ...this.learned.records.flatMap((record) => [record[2], record[4]]))
  }

  // Likewise the first accuracies.
  usualLow() {
    const { points, records } = this.learned
    const later = points.filter((point) => point[1] >= 0.5)
    return Math.min(99, ...(later.length ? later : points).map((point) => point[3]), ...records.flatMap((record) => [record[3], record[5]]))
  }

  zooming(plot) {
    return this.charts?.some((chart) => chart.plot === plot && chart.zoomed)
  }

  show(news) {
    if (!this.news) sayOf(news.digit, this.element)
    this.news = news
    if (this.learned?.run !== news.run) this.learned = new Learned(news)
    this.learned.add(news)
    const shape = this.shape(news)
    if (shape !== this.shaped) {
      this.make(news, shape.endsWith("true]"))
      this.shaped = shape
    }
    const last = this.learned.records.at(-1)
    this.charts[0].draw(rows(this.learned, news.beside, 2, 2, 4), last ? say(`${loss(last[4])} for new digits`) : "nothing yet", news)
    this.charts[1].draw(rows(this.learned, news.beside, 3, 3, 5), last ? say(`${percent(last[5])} of new digits`) : "nothing yet", news)
    this.say(news)
    return this.learned.step
  }

  say({ text, share, active, numbers }) {
    const bar = this.element.querySelector(".bar")
    this.element.querySelector(".status").textContent = text
    this.element.querySelector(".progress").hidden = share === null
    bar.setAttribute("aria-valuenow", Math.round(100 * (share ?? 0)))
    bar.firstElementChild.style.width = `${100 * (share ?? 0)}%`
    for (const [name, value] of Object.entries(numbers)) this.element.querySelector(`.numbers [data-name=${name}]`).textContent = value
    dispatchEvent(new CustomEvent("nnlib-line", { detail: { text, share, active } }))
  }
}

const panels = new WeakMap()

// Sent once with the page: what comes with every beat stays small.
export default function () {
  globalThis.nnlibCurves = (element, news) => {
    if (!panels.has(element)) panels.set(element, new Panel(element))
    return panels.get(element).show(news)
  }
}
