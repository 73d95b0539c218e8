import { Alert, Button, Tabs, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import type { Schemas } from "../../api/call";
import { useDo, useMay } from "../../api/queries";
import { Copies } from "../../kit/Copy";
import { Empty, Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { Working } from "../../kit/Working";
import { several } from "../../kit/show";
import { Backtested, Changes } from "./Backtested";
import { Overtaken } from "./Overtaken";
import { Publish } from "./Publish";
import { FileTable, RuleEditor } from "./RuleEditor";
import { TableEditor } from "./TableEditor";
import { Tested } from "./Tested";
import { read, withCell, withCondition, withRow, withoutRow } from "./definition";
import { typeWords } from "../../kit/words";
import { useCheck } from "./useCheck";
import { useDefinition } from "./useDefinition";

/** The rules, as a list and as tables, with their checks in place; a draft until it is published. */
export function Rules({ revision, figures }: { revision: Schemas["RevisionAnswer"]; figures: Schemas["ApplicationFigures"] | undefined }) {
  const draft = useDefinition(revision);
  const { text, files, changed, base, keep } = draft;
  const may = useMay();
  const [settled] = useDebouncedValue(text, 400);
  const check = useCheck(settled, files);
  const tests = useDo("rules:test");
  const backtest = useDo("rules:backtest");
  const definition = read(text);
  const isOvertaken = base !== revision.revision;
  const drop = () => {
    draft.drop();
    tests.reset();
    backtest.reset();
  };
  const input = { text, files };
  const types = typesOf(revision.definition);
  const coverage = new Map(tests.data?.coverage.map((one) => [one.rule, one]));
  return (
    <Panel
      title={changed ? "Rules (draft)" : "Rules"}
      aside={
        <>
          {check.faults.length === 0 ? check.found && <span className="good">right: {several(check.found.rules, "rule")}, {several(check.found.tests, "test")}</span> : <span className="bad">{check.faults.length} faults</span>}
          {changed && <Button size="xs" variant="subtle" color="gray" onClick={drop}>Drop the draft</Button>}
        </>
      }
    >
      {isOvertaken && <Overtaken application={revision.application} base={base} now={revision.revision} goOn={() => draft.goOnFrom(revision.revision)} drop={drop} />}
      {definition.broken && <Alert color="red" title="The file cannot be read">{definition.broken}</Alert>}
      <Tabs defaultValue="list" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="list">Rules</Tabs.Tab>
          <Tabs.Tab value="text">application.yaml</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="list" pt="sm">
          {definition.rules.length === 0 && <Empty>No rules yet: add them under “application.yaml”.</Empty>}
          {definition.rules.map((rule, place) => {
            const path = `rules[${place}]`;
            const mine = check.faults.filter((fault) => fault.path === path || fault.path.startsWith(`${path}.`));
            const cover = coverage.get(rule.id);
            return (
              <RuleEditor key={`${rule.id} ${place}`} rule={rule} faults={mine} fired={figures && (figures.rules[rule.id] ?? 0)} hasModel={Boolean(revision.definition.model)} tested={cover && (cover.fired ? several(cover.fired, "test") : "no test")}>
                {!rule.table && (
                  <TextInput
                    aria-label={`Condition of ${rule.id}`}
                    className="editor-line"
                    leftSection="when"
                    leftSectionWidth={56}
                    placeholder="always"
                    value={rule.when}
                    onChange={(event) => keep(withCondition(text, place, event.currentTarget.value))}
                    error={mine.map((fault) => fault.message).join("; ") || undefined}
                    spellCheck={false}
                  />
                )}
                {rule.cells && (
                  <TableEditor
                    label={rule.id}
                    columns={rule.cells.columns}
                    types={types}
                    rows={rule.cells.rows}
                    faults={mine}
                    missed={cover?.rows_missed ?? []}
                    onCell={(row, column, cell) => keep(withCell(text, place, row, column, cell))}
                    onAdd={() => keep(withRow(text, place, (rule.cells?.columns ?? []).map(() => "-")))}
                    onRemove={(row) => keep(withoutRow(text, place, row))}
                  />
                )}
                {rule.file && files[rule.file] !== undefined && <FileTable rule={rule} types={types} text={files[rule.file] ?? ""} faults={check.faults.filter((fault) => fault.file === rule.file)} missed={cover?.rows_missed ?? []} onChange={(next) => draft.keepFiles({ ...files, [rule.file]: next })} />}
              </RuleEditor>
            );
          })}
        </Tabs.Panel>
        <Tabs.Panel value="text" pt="sm">
          <Textarea className="editor" aria-label="application.yaml" autosize minRows={12} maxRows={36} value={text} onChange={(event) => keep(event.currentTarget.value)} spellCheck={false} />
        </Tabs.Panel>
      </Tabs>
      {check.faults.length > 0 && (
        <ul className="plain faults" aria-label="Faults">
          {check.faults.map((fault) => <li key={`${fault.file} ${fault.line} ${fault.column} ${fault.message}`}><span className="dim">{fault.file || "application.yaml"}:{fault.line}:{fault.column}</span> {fault.path}: {fault.message}</li>)}
        </ul>
      )}
      {check.error && <ProblemPanel problem={check.error} />}
      <div className="row actions">
        <Button size="xs" variant="default" disabled={check.faults.length > 0} onClick={() => tests.mutate(input)} loading={tests.isPending}>Run tests</Button>
        {may("rules:backtest") && <Button size="xs" variant="default" disabled={check.faults.length > 0} onClick={() => backtest.mutate({ ...input, application: "", version: "" })} loading={backtest.isPending}>Back-test on the log</Button>}
        <Copies action={may("rules:backtest") ? "rules:backtest" : "rules:test"} given={input} />
        {changed && <Publish application={revision.application} given={{ text, files, base }} backtest={backtest.data} disabled={check.faults.length > 0 || isOvertaken} done={drop} />}
      </div>
      <div aria-live="polite">
        {tests.data && <Tested found={tests.data} />}
        {tests.error && <ProblemPanel problem={tests.error} />}
        <Working action="rules:backtest" target={revision.application} on={backtest.isPending} />
        {backtest.data && <Backtested found={backtest.data} />}
        {backtest.error && <ProblemPanel problem={backtest.error} />}
      </div>
      {changed && <Changes application={revision.application} text={settled} files={files} />}
    </Panel>
  );
}

interface Typed {
  name: string;
  type: string;
  values?: unknown[] | null;
}

/** The type of everything a condition may read before the model, by its name and by its full name. */
function typesOf(definition: Record<string, unknown>): Record<string, string> {
  const views = (definition.features as { view: string; columns?: Typed[] }[] | undefined) ?? [];
  const all = [
    ...((definition.request as Typed[] | undefined) ?? []).map((field) => ["request", field] as const),
    ...views.flatMap((use) => (use.columns ?? []).map((column) => [use.view, column] as const)),
  ];
  return Object.fromEntries(all.flatMap(([place, { name, type, values }]) => [name, `${place}.${name}`].map((key) => [key, values?.length ? values.map(String).join(", ") : typeWords(type)])));
}
