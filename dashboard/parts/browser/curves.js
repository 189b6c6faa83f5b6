// The two live curves, drawn by uPlot. The server sends what is new since the step that it was told; the rest is here already.

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, notation: "standard" })
const percent = (value) => (value == null ? "–" : `${value.toFixed(1)} %`)
const loss = (value) => (value == null ? "–" : value < 1000 ? plain.format(Number(value.toPrecision(3))) : "over 1,000")

const UNITS = [[1e12, "trillion"], [1e9, "billion"], [1e6, "million"]]
const MOST_LOSS = 1e12 // that is drawn: a training that is thrown further off leaves the chart
const MOST_TICKS = 6
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

// An average that forgets: each point counts half as much a fortieth of the curve later, and at least two points later.
function smoothed(values) {
  const keeps = 0.5 ** (1 / Math.max(2, values.length / 40))
  let average = null
  return values.map((value) => (average = average === null ? value : keeps * average + (1 - keeps) * value))
}

// Rows of uPlot: x, then one row for each line, with nulls where a line has no point at this x.
function rows(learned, beside, within, training, validation) {
  const table = new Map()
  const put = (epoch, row, value) => {
    if (!table.has(epoch)) table.set(epoch, [null, null, null, null, null])
    table.get(epoch)[row] = value
  }
  const smooth = smoothed(learned.points.map((point) => point[within]))
  learned.points.forEach((point, index) => {
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
  constructor(place, { label, unit, log, values, range, beside, epochs }) {
    this.place = place
    this.values = values
    this.marks = []
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
        scales: { x: { time: false, range: (_, low, high) => (this.zoomed ? [low, high] : [0, epochs * 1.02]) }, y: { distr: log ? 3 : 1, range } },
        axes: [
          { ...axis, label: "epochs (passes over all training digits)", labelSize: 22, size: 34, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? plain.format(tick) : "")) },
          { ...axis, label: unit, labelSize: 22, size: log ? 84 : 56, values: (_, ticks) => ticks.map(tickText), ...(log && { splits: (_, __, low, high) => logTicks(low, high), filter: (_, ticks) => ticks }) },
        ],
        series: [
          { label: "epoch", value: (_, value) => (value == null ? "–" : plain.format(Number(value.toFixed(1)))) },
          line("training, batch by batch", "#5c7cfa55", { width: 1, points: { show: false } }),
          line("training, smoothed", "#5c7cfa", { width: 1.5, points: { show: false } }),
          line("training digits", "#5c7cfa", { width: 2, dash: [3, 4], ...few }),
          line("new digits (validation)", "#f08c00", { width: 3, ...few }),
          ...(beside ? [line(`new digits, ${beside.name}`, "#8c95a8", { width: 2, dash: [8, 5], points: { show: false } })] : []),
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

  // Where something was changed, with its number, and a star at the best epoch.
  mark({ ctx, bbox, valToPos, data, series }) {
    const ratio = devicePixelRatio
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left, bbox.top - 12 * ratio, bbox.width, bbox.height + 12 * ratio)
    ctx.clip()
    ctx.font = `600 ${12 * ratio}px ${style(this.place, "--st-font")}`
    ctx.textAlign = "center"
    ctx.strokeStyle = ctx.fillStyle = style(this.place, "--st-text-color")
    ctx.lineWidth = ratio
    ctx.setLineDash([2 * ratio, 4 * ratio])
    for (const [epoch, number] of this.marks) {
      const x = valToPos(epoch, "x", true)
      ctx.beginPath()
      ctx.moveTo(x, bbox.top + 6 * ratio)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      ctx.fillText(number, x, bbox.top + 2 * ratio)
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

  draw(data, said, { marks, best }) {
    this.marks = marks
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
  }

  remove() {
    this.observer.disconnect()
    this.plot.destroy()
    this.place.replaceChildren()
  }
}

class Panel {
  constructor(element) {
    this.element = element
  }

  // A run that blows up needs another axis: the charts are then made anew.
  shape(news) {
    const worst = Math.max(...this.learned.points.map((point) => point[2]), ...this.learned.records.map((record) => record[2]), 0)
    return JSON.stringify([news.run, news.epochs, news.beside, worst > news.log_above])
  }

  make(news, log) {
    for (const chart of this.charts ?? []) chart.remove()
    const lossRange = (_, low, high) => (high == null ? [0, 2.5] : log ? logRange(low, high) : [0, 1.1 * this.usual()])
    const accuracyRange = (_, low) => (low == null ? [0, 100] : [Math.max(0, low - (100 - low) * 0.1), 100 + (100 - low) * 0.04])
    const zoomable = (range) => (plot, low, high) => (this.zooming(plot) ? [low, high] : range(plot, low, high))
    const common = { beside: news.beside, epochs: news.epochs }
    this.charts = [
      new Chart(this.element.querySelector(".loss"), { ...common, label: "The loss over the epochs", unit: log ? "loss (log scale; 0 would be perfect)" : "loss (0 is perfect)", log, values: loss, range: zoomable(lossRange) }),
      new Chart(this.element.querySelector(".accuracy"), { ...common, label: "The share of digits read right, over the epochs", unit: "digits read right (%)", log: false, values: percent, range: zoomable(accuracyRange) }),
    ]
  }

  // The first losses, of a network that only guesses, would press all others flat: they may leave the chart.
  usual() {
    const { points } = this.learned
    const later = points.filter((point) => point[1] >= 0.5)
    const most = Math.max(0, ...(later.length ? later : points).map((point) => point[2]))
    return Math.max(0.2, most, ...this.learned.records.flatMap((record) => [record[2], record[4]]))
  }

  zooming(plot) {
    return this.charts?.some((chart) => chart.plot === plot && chart.zoomed)
  }

  show(news) {
    if (this.learned?.run !== news.run) this.learned = new Learned(news)
    this.learned.add(news)
    const shape = this.shape(news)
    if (shape !== this.shaped) {
      this.make(news, shape.endsWith("true]"))
      this.shaped = shape
    }
    const last = this.learned.records.at(-1)
    this.charts[0].draw(rows(this.learned, news.beside, 2, 2, 4), last ? `${loss(last[4])} for new digits` : "nothing yet", news)
    this.charts[1].draw(rows(this.learned, news.beside, 3, 3, 5), last ? `${percent(last[5])} of new digits` : "nothing yet", news)
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
