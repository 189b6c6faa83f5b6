// Draws the race as the page has it, and from then on what is new.

const READY_MILLISECONDS = 20 // between two looks for the chart: it came with the page, and may still be on its way

export default function ({ data, parentElement, setTriggerValue }) {
  const show = () => {
    if (!globalThis.nnlibRace) return setTimeout(show, READY_MILLISECONDS)
    let epoch = 0
    const look = (run) => setTriggerValue("look", run)
    const tell = (news) => (epoch = globalThis.nnlibRace(parentElement, { ...data, ...news }, look))
    tell(data.told)
    follow(parentElement, data, () => epoch, tell, () => setTriggerValue("tick", data.beat))
  }
  show()
}
