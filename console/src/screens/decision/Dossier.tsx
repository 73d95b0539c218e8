import { Button } from "@mantine/core";
import { useDo } from "../../api/queries";
import { Copies } from "../../kit/Copy";
import { Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { download } from "../../kit/download";

/** All of it as one signed page, to be handed out. */
export function Dossier({ id }: { id: string }) {
  const dossier = useDo("decisions:dossier");
  const given = { decision: id };
  return (
    <Panel title="Dossier" aside={<Copies action="decisions:dossier" given={given} />}>
      <div className="row">
        <Button size="xs" variant="default" loading={dossier.isPending} onClick={() => dossier.mutate(given, { onSuccess: (made) => download(`dossier-${id}.html`, made.page, "text/html") })}>
          Download dossier
        </Button>
        <span className="dim small grow">One signed page: request, rules, model, reasons, a replay. The audit log says who made one.</span>
      </div>
      {dossier.error && <ProblemPanel problem={dossier.error} />}
    </Panel>
  );
}
