import { Button, Textarea } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { useDo } from "../../api/queries";
import { Copies } from "../../kit/Copy";
import { Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { Rows } from "../../kit/Tables";
import { fields } from "../../kit/show";

/** Rows for a version of any stage, in its own environment; changes nothing. */
export function Run({ version }: { version: Schemas["VersionDetail"] }) {
  const inputs = ((version.manifest.inputs as { name: string; type: string }[] | undefined) ?? []).filter((field) => field.name);
  const [text, setText] = useState(() => JSON.stringify([Object.fromEntries(inputs.map((field) => [field.name, field.type === "string" ? "" : 0]))], null, 2));
  const run = useDo("versions:run");
  const rows = parsed(text);
  const given = { model: version.model, version: String(version.version), rows: rows ?? [] };
  return (
    <Panel title="Run it" aside={<Copies action="versions:run" given={given} />}>
      <div className="stack">
        <Textarea className="editor" label="Rows, as JSON" description="In its own environment, offline; no stage changes and nothing is logged as a decision." autosize minRows={5} maxRows={16} value={text} onChange={(event) => setText(event.currentTarget.value)} error={rows ? undefined : "a JSON list of objects"} spellCheck={false} />
        <div><Button size="xs" disabled={!rows} loading={run.isPending} onClick={() => run.mutate(given)}>Run</Button></div>
        {run.error && <ProblemPanel problem={run.error} />}
        {run.data && <Rows label="Outputs" rows={run.data.outputs.map((output, place) => ({ output, error: run.data.errors[place], place }))} by={(one) => String(one.place)} columns={[{ name: "row", cell: (one) => one.place + 1 }, { name: "output", cell: (one) => (one.output ? fields(one.output) : <span className="bad">{one.error}</span>) }]} />}
      </div>
    </Panel>
  );
}

function parsed(text: string): Record<string, unknown>[] | null {
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) ? (found as Record<string, unknown>[]) : null;
  } catch {
    return null;
  }
}
