import { NumberInput, Select, TextInput } from "@mantine/core";
import { typeWords } from "../../kit/words";

export interface FieldPlain {
  name: string;
  type: string;
  required?: boolean;
  nullable?: boolean;
  values?: unknown[];
  minimum?: number | null;
  maximum?: number | null;
}

/** One field of a request, as its type asks for it. */
export function Field({ field, value, onChange }: { field: FieldPlain; value: unknown; onChange: (value: unknown) => void }) {
  const label = { label: field.name, description: description(field), required: field.required !== false };
  if (field.values?.length) {
    const back = new Map(field.values.map((one) => [String(one), one]));
    return <Select {...label} data={[...back.keys()]} value={value === undefined ? null : String(value)} onChange={(next) => onChange(next === null ? undefined : back.get(next))} clearable={field.required === false} />;
  }
  if (field.type === "bool") return <Select {...label} data={["true", "false"]} value={value === undefined ? null : String(value)} onChange={(next) => onChange(next === null ? undefined : next === "true")} clearable={field.required === false} />;
  if (field.type === "int" || field.type === "float") {
    return <NumberInput {...label} allowDecimal={field.type === "float"} value={typeof value === "number" ? value : ""} onChange={(next) => onChange(typeof next === "number" ? next : undefined)} hideControls />;
  }
  if (structured(field)) return <Structured label={label} value={value} onChange={onChange} />;
  return <TextInput {...label} value={value === undefined ? "" : String(value)} onChange={(event) => onChange(event.currentTarget.value || undefined)} />;
}

/** Lists and vectors are written as JSON. */
function Structured({ label, value, onChange }: { label: { label: string; description: string; required: boolean }; value: unknown; onChange: (value: unknown) => void }) {
  const text = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  const typed = (next: string) => {
    try {
      onChange(JSON.parse(next));
    } catch {
      onChange(next || undefined);
    }
  };
  return <TextInput {...label} value={text} onChange={(event) => typed(event.currentTarget.value)} error={typeof value === "string" && value !== "" ? "not yet JSON" : undefined} />;
}

function structured(field: FieldPlain): boolean {
  return !["string", "date", "timestamp", "moment"].includes(field.type);
}

function description(field: FieldPlain): string {
  const bounds = [field.minimum ?? null, field.maximum ?? null];
  const said = [bounds[0] === null ? "" : `from ${bounds[0]}`, bounds[1] === null ? "" : `to ${bounds[1]}`].filter(Boolean).join(" ");
  return [typeWords(field.type), said].filter(Boolean).join(", ");
}
