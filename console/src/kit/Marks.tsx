import { Badge } from "@mantine/core";

const COLOURS: Record<string, string> = {
  model: "teal", rule: "blue", fallback: "orange", person: "grape",
  final: "gray", pending_review: "yellow",
  fired: "teal", no: "gray", "missing value": "orange", "not reached": "gray",
  BIT: "teal", ULP: "teal", TOLERANCE: "yellow", DECISION_ONLY: "orange", MISMATCH: "red",
  registered: "gray", approved: "cyan", deployed: "teal", decommissioned: "orange", archived: "blue", destroyed: "dark",
  open: "red", alert: "red", "not served": "red", "not told": "red", damaged: "red", dead: "red", intact: "teal", "chain verified": "teal", "chain broken": "red", ready: "teal", starting: "yellow", pending: "yellow", passed: "teal", failed: "red", "in force": "teal", acknowledged: "yellow", resolved: "gray",
  champion: "teal", challenger: "grape", shadow: "indigo", canary: "orange", warm: "gray",
};

/** A word of the glossary, in its colour. */
export function Mark({ of, size = "sm" }: { of: string; size?: "sm" | "lg" }) {
  if (!of) return null;
  return (
    <Badge variant="light" color={COLOURS[of] ?? "gray"} size={size} tt="none" autoContrast className="mark">
      {of.replaceAll("_", " ")}
    </Badge>
  );
}
