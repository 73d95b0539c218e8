import { SegmentedControl } from "@mantine/core";

const SPANS = [
  { value: "1h", label: "1 hour" },
  { value: "24h", label: "1 day" },
  { value: "7d", label: "7 days" },
];

/** What one of the sixty steps of a chart over this span counts. */
export function perStep(since: string): string {
  return { "1h": "decisions a minute", "24h": "decisions in 24 minutes", "7d": "decisions in 2.8 hours" }[since] ?? "decisions";
}

/** Over how long figures are counted. */
export function Span({ value, onChange }: { value: string; onChange: (since: string) => void }) {
  return <SegmentedControl aria-label="Span of time" size="xs" data={SPANS} value={value} onChange={onChange} />;
}
