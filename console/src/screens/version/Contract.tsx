import { Rows } from "../../kit/Tables";
import { value } from "../../kit/show";
import { typeWords } from "../../kit/words";

interface FieldPlain {
  name: string;
  type: string;
  required?: boolean;
  nullable?: boolean;
  minimum?: number;
  maximum?: number;
  values?: unknown[];
}

/** What it takes and what it gives, with the ranges it was made for. */
export function Contract({ manifest }: { manifest: Record<string, unknown> }) {
  const fields = (side: "inputs" | "outputs") => ((manifest[side] as FieldPlain[] | undefined) ?? []).map((field) => ({ side: side === "inputs" ? "takes" : "gives", field }));
  return (
    <Rows
      label="Contract"
      rows={[...fields("inputs"), ...fields("outputs")]}
      by={({ side, field }) => `${side} ${field.name}`}
      columns={[
        { name: "", cell: ({ side }) => <span className="dim">{side}</span> },
        { name: "field", cell: ({ field }) => field.name },
        { name: "type", cell: ({ field }) => <span className="nowrap" title={field.type}>{typeWords(field.type)}</span> },
        { name: "made for", cell: ({ field }) => range(field) },
      ]}
    />
  );
}

function range(field: FieldPlain): string {
  if (field.values?.length) return field.values.map(value).join(", ");
  if (field.minimum === undefined && field.maximum === undefined) return "—";
  return `${value(field.minimum)} – ${value(field.maximum)}`;
}
