// A chart of plotly's in the theme's fonts and colours, which gets new values in its place.

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
      modebar: { color: of("border-color"), activecolor: of("primary-color"), bgcolor: "rgba(0, 0, 0, 0)" },
      xaxis: axis,
      yaxis: axis,
    },
  }
}

const drawn = new WeakMap()

export default function ({ data, parentElement }) {
  const chart = parentElement.querySelector(".chart")
  const { data: traces, layout } = JSON.parse(data.figure)
  chart.setAttribute("aria-label", data.alt)
  chart.style.height = `${layout.height}px` // its place is there before it is
  const draw = async () => {
    const Plotly = await plotly(data.version)
    if (!chart.isConnected) return
    await Plotly.react(chart, traces, { ...layout, autosize: true, template: theme(chart) }, data.config)
    if (drawn.has(chart)) return
    const observer = new ResizeObserver(() => chart.offsetWidth && Plotly.Plots.resize(chart))
    observer.observe(chart)
    drawn.set(chart, observer)
  }
  draw()
}
