// A chart of plotly's in the theme's fonts and colours, which gets new values in its place.

const GREY = "#8c95a8" // of the buttons, to be seen on light and dark pages

let library

function plotly(version) {
  library ??= new Promise((resolve, reject) => {
    const base = document.querySelector("script[src*='/static/js/']").src.split("/static/js/")[0]
    const script = Object.assign(document.createElement("script"), { src: `${base}/plotly.js?version=${version}` })
    script.onload = () => resolve(globalThis.Plotly ?? globalThis.moduleName)
    script.onerror = () => {
      library = undefined // the next change tries again
      script.remove()
      reject(new Error("the library that draws charts could not be fetched"))
    }
    document.head.append(script)
  })
  return library
}

function theme(element) {
  const styles = getComputedStyle(element)
  const of = (name) => styles.getPropertyValue(`--st-${name}`).trim()
  const text = of("text-color")
  const axis = { gridcolor: of("border-color"), zerolinecolor: of("border-color"), linecolor: of("border-color") }
  return {
    layout: {
      font: { family: of("font"), color: text, size: 12 },
      title: { x: 0.01, xanchor: "left", font: { size: 16, weight: 600 } },
      // not clear: a picture that is saved has a page below it, too
      paper_bgcolor: of("background-color"),
      plot_bgcolor: of("background-color"),
      colorway: of("chart-categorical-colors").split(",").map((colour) => colour.trim()),
      hoverlabel: { bgcolor: of("secondary-background-color"), bordercolor: of("border-color"), font: { color: text } },
      modebar: { color: GREY, activecolor: of("primary-color"), bgcolor: "rgba(0, 0, 0, 0)" },
      xaxis: axis,
      yaxis: axis,
    },
  }
}

const zooms = new WeakMap() // of each chart: what it shows, and the parts of its axes that somebody chose

export default function ({ data, parentElement }) {
  const chart = parentElement.querySelector(".nnlib-chart")
  const { data: traces, layout } = JSON.parse(data.figure)
  chart.setAttribute("aria-label", data.alt)
  chart.style.height = `${layout.height}px` // its place is there before it is
  const draw = async () => {
    const Plotly = await plotly(data.version)
    if (!chart.isConnected) return
    const before = zooms.get(chart)
    const zoom = before?.shows === layout.uirevision ? before : { shows: layout.uirevision, ranges: {} }
    zooms.set(chart, zoom)
    // plotly itself keeps a zoom only where the values would be drawn on the same axes as before
    for (const [axis, range] of Object.entries(zoom.ranges)) Object.assign(layout[axis], { range, autorange: false })
    await Plotly.react(chart, traces, { ...layout, autosize: true, template: theme(chart) }, data.config)
    chart.removeAllListeners("plotly_relayout") // other settings make another chart, which has none
    chart.on("plotly_relayout", (changed) => {
      for (const name of Object.keys(changed)) {
        const axis = name.split(".")[0]
        if (name.endsWith(".autorange")) delete zoom.ranges[axis]
        else if (name.includes(".range")) zoom.ranges[axis] = [...chart.layout[axis].range]
      }
    })
    if (!before) new ResizeObserver(() => chart.offsetWidth && Plotly.Plots.resize(chart)).observe(chart)
  }
  draw()
}
