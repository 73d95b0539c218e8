import type { Schemas } from "../../api/call";
import { Empty, Facts, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { bytes, moment, several, shortDigest, value } from "../../kit/show";

/** The parts of a manifest that are shown by name (docs/formats/package.md). */
interface Manifest {
  name: string;
  python: string;
  loader?: { format?: string; predict?: string; entry?: string; file?: string };
  requirements?: string[];
  target?: string;
  network?: boolean;
  memory?: number;
  batch?: { kind?: string; rows?: number } | null;
  explain?: { method?: string } | null;
  provenance?: { author?: string; created?: number; data?: string; commit?: string };
  environment?: { digest?: string; platform?: string; interpreter?: { version?: string }; wheels?: Wheel[] } | null;
  files?: Record<string, { digest?: string; size?: number }>;
}

interface Wheel {
  name: string;
  version: string;
  size: number;
}

/** The shapes of a call in which no row's score depends on its neighbours. */
function calls({ kind, rows = 1 }: { kind?: string; rows?: number }): string {
  if (kind === "multiple") return `any multiple of ${rows} rows`;
  return kind === "fixed" ? `exactly ${rows} rows` : `${value(kind)}, ${several(rows, "row")}`;
}

/** What is in the sealed package: the model, where it comes from, everything that it needs. */
export function Package({ version }: { version: Schemas["VersionDetail"] }) {
  const manifest = version.manifest as unknown as Manifest;
  const { loader = {}, provenance = {}, environment, files = {} } = manifest;
  const wheels = environment?.wheels ?? [];
  return (
    <div className="halves">
      <div>
        <Panel title="Manifest">
          <Facts
            of={[
              ["digest", <code key="d">{version.digest}</code>],
              ["model", [loader.format, loader.entry ?? loader.file].filter(Boolean).join(", ")],
              ["method", loader.predict],
              ["in calls of", manifest.batch ? calls(manifest.batch) : undefined],
              ["tells reasons by", manifest.explain?.method?.replaceAll("_", " ")],
              ["predicts", manifest.target || undefined],
              ["network", manifest.network ? "allowed" : "cut off"],
              ["memory", manifest.memory ? bytes(manifest.memory) : "as the home allows"],
            ]}
          />
        </Panel>
        <Panel title="Where it comes from">
          <Facts of={[["author", provenance.author], ["made", provenance.created ? moment(new Date(provenance.created / 1000).toISOString()) : undefined], ["data", provenance.data || undefined], ["commit", provenance.commit ? <code key="c">{provenance.commit}</code> : undefined]]} />
        </Panel>
        <Panel title="Files" aside={`${Object.keys(files).length} files`}>
          <Rows
            label="Files"
            rows={Object.entries(files)}
            by={([name]) => name}
            columns={[
              { name: "file", cell: ([name]) => name },
              { name: "size", cell: ([, file]) => bytes(file.size ?? 0), right: true },
              { name: "digest", cell: ([, file]) => <code title={file.digest}>{shortDigest(file.digest ?? "")}</code> },
            ]}
          />
        </Panel>
      </div>
      <Panel title="Environment" aside={environment ? `Python ${environment.interpreter?.version ?? manifest.python}, ${environment.platform ?? ""}` : undefined}>
        <p className="small dim">Asked for: {manifest.requirements?.join(", ") || "nothing beside Python itself"}.</p>
        {wheels.length === 0 ? <Empty>No package beside the interpreter.</Empty> : (
          <Rows
            label="Environment"
            rows={wheels}
            by={(wheel) => wheel.name}
            columns={[
              { name: "package", cell: (wheel) => wheel.name },
              { name: "version", cell: (wheel) => wheel.version },
              { name: "size", cell: (wheel) => bytes(wheel.size), right: true },
            ]}
          />
        )}
      </Panel>
    </div>
  );
}
