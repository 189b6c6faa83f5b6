// The chart of a race, drawn by uPlot: one line for each run, named at its end, and the table of how they stand.

// one colour and one line style each: either alone tells them apart
const LINES = [
  ["#5c7cfa", []],
  ["#f08c00", [9, 4]],
  ["#40a060", [2, 3]],
  ["#d6489b", [12, 4, 2, 4]],
  ["#1098ad", [18, 5]],
  ["#e8590c", [5, 2]],
  ["#9065e0", [12, 3, 2, 3, 2, 3]],
  ["#8c95a8", [4, 7]],
]
const CROWN = "M1 4l3.5 3L8 1l3.5 6L15 4l-1.5 9h-11z" // in a box of 16 by 14
const NAME_PIXELS = 15 // from one name to the next
const TICK_PIXELS = 26 // from one tick to the next, at least
const LOWEST = 0.0005, HIGHEST = 12 // beyond, losses and shares of misread digits stay at the edge of the chart

// Both measures are drawn so that their differences can be seen: from 96 to 98 % is as large a step as from 60 to 80.
// Of the ticks, the first are the roundest.
const MEASURES = {
  accuracy: {
    row: 2,
    title: "New digits read right",
    axis: "read right (%)",
    caption: "Up is good. Each line is one network, after every epoch. The scale is stretched towards 100 %, where small steps are hard won.",
    place: (percent) => -Math.log10(Math.max(LOWEST, 1 - percent / 100)),
    ends: [0, 99],
    ticks: [0, 50, 90, 99, 99.9, 80, 95, 97, 98, 99.5, 70, 85, 92, 94, 96, 20, 97.5, 98.5],
  },
  loss: {
    row: 1,
    title: "How wrong it is on new digits: loss",
    axis: "loss (log scale)",
    caption: "Down is good. Each line is one network, after every epoch; blind guessing costs 2.3. A line that ends early blew up or was stopped.",
    place: (loss) => Math.log10(Math.min(HIGHEST, Math.max(LOWEST, loss))),
    ends: [0.05, 3],
    ticks: [0.001, 0.01, 0.1, 1, 10, 0.02, 0.2, 2, 0.05, 0.5, 5, 0.07, 0.15, 0.3, 0.7, 1.5, 3],
  },
}

const style = (element, name) => getComputedStyle(element).getPropertyValue(name).trim()

// Those of the ticks that are on the axis and have room there; who stands first goes first.
function spaced(ticks, low, high, least) {
  const found = []
  for (const tick of ticks) {
    if (low <= tick && tick <= high && found.every((other) => Math.abs(other - tick) >= least)) found.push(tick)
  }
  return found.sort((one, other) => one - other)
}

class Race {
  constructor(element, look) {
    this.element = element
    this.look = look
    this.measure = "accuracy"
    for (const button of element.querySelectorAll("[data-measure]")) {
      button.onclick = () => {
        this.measure = button.dataset.measure
        this.draw()
      }
      button.disabled = false // until now nobody would have heard a click
    }
  }

  // The last epoch that all who are under way have told of: what comes after it is still to be asked for.
  get epoch() {
    const lasts = this.news.racers.filter((racer) => racer.active).map(({ run }) => this.records.get(run).at(-1)?.[0] ?? 0)
    return lasts.length ? Math.min(...lasts) : 0
  }

  show(news) {
    if (!this.news) sayOf(news.digit, this.element)
    if (this.news?.race !== news.race) this.records = new Map()
    this.news = news
    for (const { run, records } of news.racers) {
      const known = (this.records.get(run) ?? []).filter(([epoch]) => epoch <= news.after)
      this.records.set(run, [...known, ...records])
    }
    this.draw()
    const [first, ...others] = news.lesson.split(/(?<=;) /)
    this.element.querySelector(".lesson b").textContent = first.replace(/;$/, ".")
    this.element.querySelector(".lesson span").textContent = others.join(" ")
    this.element.querySelector(".term").textContent = news.term
    this.table()
    return this.epoch
  }

  draw() {
    const { row, place, caption } = MEASURES[this.measure]
    const title = say(MEASURES[this.measure].title)
    const shape = JSON.stringify([this.news.race, this.news.epochs, this.measure, this.news.racers.map(({ crowned }) => crowned)])
    if (shape !== this.shape) {
      this.shape = shape
      this.make()
    }
    for (const button of this.element.querySelectorAll("[data-measure]")) {
      button.setAttribute("aria-pressed", button.dataset.measure === this.measure)
    }
    this.element.querySelector("h2").textContent = title
    this.element.querySelector("figcaption").textContent = caption
    const all = this.news.racers.map(({ run }) => new Map(this.records.get(run).map((record) => [record[0], place(record[row])])))
    const epochs = [...new Set(all.flatMap((line) => [...line.keys()]))].sort((one, other) => one - other)
    this.plot.setData([epochs, ...all.map((line) => epochs.map((epoch) => line.get(epoch) ?? null))])
    const chart = this.element.querySelector(".chart")
    chart.dataset.lines = all.filter((line) => line.size).length
    chart.setAttribute("aria-label", `${title}, over the epochs: ${this.news.racers.map(({ value, accuracy }) => `${value}: ${accuracy}`).join(", ")}`)
  }

  make() {
    const chart = this.element.querySelector(".chart")
    const { axis, place, ticks, ends } = MEASURES[this.measure]
    const names = this.news.racers.map(({ value, crowned }) => value.length + (crowned ? 2 : 0))
    const common = {
      stroke: () => style(chart, "--st-text-color"),
      grid: { stroke: () => style(chart, "--st-border-color"), width: 1 },
      ticks: { show: false },
      font: `13px ${style(chart, "--st-font")}`,
      labelFont: `13px ${style(chart, "--st-font")}`,
    }
    const size = () => {
      const width = Math.max(220, chart.clientWidth)
      return { width, height: Math.round(Math.max(260, Math.min(0.6 * width, 0.5 * innerHeight))) }
    }
    this.observer?.disconnect()
    this.plot?.destroy()
    this.plot = new uPlot(
      {
        ...size(),
        padding: [12, 24 + 8 * Math.max(...names), 0, 0],
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: { time: false, range: () => [0, this.news.epochs] },
          y: { range: (_, low, high) => (high == null ? [place(ends[0]), place(ends[1])] : [low - 0.05, high + 0.05]) },
        },
        axes: [
          { ...common, label: say("epochs (passes over all training digits)"), labelSize: 22, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200], values: (_, all) => all },
          {
            ...common,
            label: axis,
            labelSize: 22,
            size: 56,
            splits: (plot, _, low, high) => spaced(ticks.map(place), low, high, (high - low) * TICK_PIXELS * devicePixelRatio / plot.bbox.height),
            values: (_, all) => all.map((tick) => ticks.find((each) => place(each) === tick)),
          },
        ],
        series: [
          {},
          ...this.news.racers.map(({ crowned }, index) => {
            const [stroke, dash] = LINES[index]
            const shown = (plot, line) => plot.data[line].filter((value) => value != null).length <= 60
            return { stroke, dash, width: crowned ? 4 : 2, spanGaps: true, points: { show: shown, size: 6, fill: stroke } }
          }),
        ],
        hooks: { draw: [(plot) => this.name(plot, chart)] },
      },
      [[], ...this.news.racers.map(() => [])],
      chart,
    )
    this.observer = new ResizeObserver(() => this.plot.setSize(size()))
    this.observer.observe(chart)
  }

  // Writes each value at the end of its line; where ends are close to each other, the names keep apart.
  name(plot, chart) {
    const { ctx } = plot
    const scale = devicePixelRatio
    const names = []
    this.news.racers.forEach(({ value, crowned }, index) => {
      const last = plot.data[index + 1].findLastIndex((each) => each != null)
      if (last < 0) return
      const x = plot.valToPos(plot.data[0][last], "x", true)
      names.push({ value, crowned, colour: LINES[index][0], x: x + 10 * scale, y: plot.valToPos(plot.data[index + 1][last], "y", true) })
    })
    names.sort((one, other) => one.y - other.y)
    const lowest = plot.bbox.top + plot.bbox.height
    names.forEach((each, index) => (each.y = Math.max(each.y, index ? names[index - 1].y + NAME_PIXELS * scale : 0)))
    names.reverse().forEach((each, index) => (each.y = Math.min(each.y, (index ? names[index - 1].y - NAME_PIXELS * scale : lowest))))
    ctx.save()
    ctx.font = `600 ${13 * scale}px ${style(chart, "--st-font")}`
    ctx.textAlign = "left"
    ctx.textBaseline = "middle"
    for (const { value, crowned, colour, x, y } of names) {
      ctx.fillStyle = colour
      ctx.fillRect(x, y - 5 * scale, 4 * scale, 10 * scale)
      ctx.fillStyle = style(chart, "--st-text-color")
      ctx.fillText(value, x + 8 * scale, y)
      if (!crowned) continue
      const width = ctx.measureText(value).width
      ctx.save()
      ctx.translate(x + 12 * scale + width, y - 7 * scale)
      ctx.scale(scale, scale)
      ctx.fillStyle = "#f08c00"
      ctx.fill(new Path2D(CROWN))
      ctx.restore()
    }
    ctx.restore()
  }

  table() {
    const rows = this.news.racers.map((racer, index) => {
      const [colour, dash] = LINES[index]
      const row = document.createElement("tr")
      row.innerHTML = `
        <th scope="row"><svg width="34" height="12" aria-hidden="true"><line x1="0" x2="34" y1="6" y2="6" stroke="${colour}" stroke-width="${racer.crowned ? 4 : 2}" stroke-dasharray="${dash.join(" ")}"/></svg><span class="value"></span></th>
        <td><b class="accuracy"></b></td><td class="wide after"></td><td><span class="time"></span><span class="narrow now"></span></td><td class="wide now"></td>
        <td><button type="button">Look at it</button></td>`
      for (const name of ["value", "accuracy", "after", "time", "now"]) {
        for (const place of row.querySelectorAll(`.${name}`)) place.textContent = racer[name]
      }
      if (racer.crowned) {
        row.querySelector("th").insertAdjacentHTML("beforeend", `<svg class="crown" width="16" height="14" role="img" aria-label="${racer.alone ? "the best" : "among the best"}"><path d="${CROWN}"/></svg>`)
      }
      const button = row.querySelector("button")
      button.setAttribute("aria-label", `Look at it: ${racer.value}`)
      button.onclick = () => this.look(racer.run)
      return row
    })
    const body = this.element.querySelector("tbody")
    const said = JSON.stringify(this.news.racers.map(({ records, ...shown }) => shown))
    if (said === this.said) return // or a button would lose the focus with every beat
    this.said = said
    body.replaceChildren(...rows)
  }
}

const races = new WeakMap()

// Sent once with the page: what comes with every beat stays small.
export default function () {
  globalThis.nnlibRace = (element, news, look) => {
    if (!races.has(element)) races.set(element, new Race(element, look))
    races.get(element).look = look
    return races.get(element).show(news)
  }
}
