export default function ({ data, parentElement, setTriggerValue }) {
  beat(parentElement, data.live ? data.interval_ms : null, () => setTriggerValue("tick", data.beat), occupied)
}
