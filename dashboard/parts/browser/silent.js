export default function ({ data, parentElement, setTriggerValue }) {
  beat(parentElement, data.interval_ms, () => setTriggerValue("tick", data.beat))
}
