import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Answer, Given } from "../../api/call";
import { useDo, useMay } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Copies } from "../../kit/Copy";
import { Mark } from "../../kit/Marks";
import { Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import type { Commanded } from "../../kit/commands";
import { bytes, moment, number, several } from "../../kit/show";

/** Whether everything is as it was written and can be brought back; copies, and what nothing needs any more. */
export function Keeping() {
  const may = useMay();
  const [backup, setBackup] = useState<Answer<"backup">>();
  const [repaired, setRepaired] = useState<Answer<"repair">>();
  const [swept, setSwept] = useState<Answer<"gc">>();
  if (!["verify", "drill", "backup", "repair", "gc"].some((one) => may(one as Commanded))) return null;
  return (
    <Panel title="Keeping">
      <div className="stack">
        <Look action="verify" label="Verify" says="Read every byte of packages, log and audit trail, and compare it with what was written.">
          {(found) => (
            <>
              <div className="row"><Mark of={found.intact ? "intact" : "damaged"} /> {Object.entries(found.checked).map(([what, count]) => `${number(Number(count))} ${what}`).join(", ")}</div>
              <ul className="plain">{found.problems.map((problem) => <li key={problem} className="bad">{problem}</li>)}</ul>
            </>
          )}
        </Look>
        <Look action="drill" label="Prove restores" says="Restore every distinct environment from its own files into an empty place, and run golden rows in it. It takes a while.">
          {(found) => (
            <ul className="plain">
              {found.environments.map((one) => <li key={one.ref}><Mark of={one.ok ? "passed" : "failed"} /> {one.ref} <span className="dim small">environment {one.environment.slice(0, 12)}</span></li>)}
              {found.environments.length === 0 && <li>There is nothing to be restored yet.</li>}
            </ul>
          )}
        </Look>
        <div className="row">
          <BackUp done={setBackup} />
          <Act action="repair" label="Repair" given={{}} affects="Damaged files are healed from their other copy; what is damaged in every copy is named." done={setRepaired} />
          <Act action="gc" label="Sweep" given={{ dry_run: false }} affects="Files go that no version, logged decision, hold or retention period needs, and that nobody touched for an hour." done={setSwept}>
            <WouldGo />
          </Act>
        </div>
        <div aria-live="polite">
          {backup && <p>{several(backup.files, "file")}, {bytes(backup.bytes)}, as of {moment(backup.at)}, are in <code>{backup.folder}</code>. Back again: <code>TENURE_HOME=… tenure up --from {backup.folder}</code></p>}
          {repaired && <p>{several(repaired.healed.length, "file")} healed{repaired.lost.length > 0 && <span className="bad">; damaged in every copy: {repaired.lost.join(", ")}</span>}.</p>}
          {swept && <p>{several(swept.files.length, "file")} removed, {bytes(swept.bytes)}.</p>}
        </div>
      </div>
    </Panel>
  );
}

/** Something that only looks: nobody is affected, so no reason is asked. */
function Look<A extends "verify" | "drill">({ action, label, says, children }: { action: A; label: string; says: string; children: (found: Answer<A>) => React.ReactNode }) {
  const looking = useDo(action);
  if (!useMay()(action)) return null;
  return (
    <div>
      <div className="row">
        <Button size="xs" variant="default" loading={looking.isPending} onClick={() => looking.mutate({} as Given<A>)}>{label}</Button>
        <span className="dim small grow">{says}</span>
        <Copies action={action} given={{}} />
      </div>
      <div aria-live="polite" className="found">
        {looking.data !== undefined && children(looking.data)}
        {looking.error && <ProblemPanel problem={looking.error} />}
      </div>
    </div>
  );
}

function BackUp({ done }: { done: (made: Answer<"backup">) => void }) {
  const [folder, setFolder] = useState("");
  return (
    <Act action="backup" label="Back up" given={{ folder }} affects="Everything is copied at one point, while the home serves: databases, log, packages, keys. Whoever can read the copy can read all of it." done={done}>
      <TextInput label="New folder" description="From the root, on the machine where the home is" required placeholder="/backups/2026-11-25" value={folder} onChange={(event) => setFolder(event.currentTarget.value)} />
    </Act>
  );
}

/** What a sweep would remove, looked up before anything is. */
function WouldGo() {
  const looking = useDo("gc");
  return (
    <div className="row">
      <Button size="compact-xs" variant="default" loading={looking.isPending} onClick={() => looking.mutate({ dry_run: true })}>What would go?</Button>
      {looking.data && <span className="small">{several(looking.data.files.length, "file")}, {bytes(looking.data.bytes)}</span>}
      {looking.error && <ProblemPanel problem={looking.error} />}
    </div>
  );
}
