import { Select } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Fragment, useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Filters } from "../../kit/Filters";
import { ApplicationLink, VersionLink } from "../../kit/Links";
import { Listed } from "../../kit/Listed";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { VERSION_STAGES } from "../../kit/words";
import { fields, moment, number, shortDigest, shortMoment, value, who, words } from "../../kit/show";

/** One model: its versions, their metrics beside each other, what served when. */
export function Model({ name, stage = "" }: { name: string; stage?: string }) {
  const versions = useAsk("versions:list", { model: name });
  const applications = useAsk("applications:list", {}).data?.filter((one) => one.model.split("@")[0] === name) ?? [];
  return (
    <>
      <Heading
        title={name}
        under={<><Link to="/decisions" search={{ model: name }}>decisions it was asked for</Link>{applications.length > 0 && <span>used by {applications.map((one) => <Fragment key={one.application}> <ApplicationLink of={one.application} /></Fragment>)}</span>}</>}
      />
      <Asked query={versions}>
        {(rows) => (
          <>
            <Panel title="Versions">
              <Filters filters={[{ name: "stage", label: "Stage", choices: VERSION_STAGES }]} />
              <Listed action="versions:list" given={{ model: name, stage }} every={10_000} empty="None yet.">
                {(page) => (
                  <Rows
                    label="Versions"
                    rows={page}
                    by={(row) => row.ref}
                    columns={[
                      { name: "version", cell: (row) => <VersionLink of={row.ref} /> },
                      { name: "stage", cell: (row) => <span className="row"><Mark of={row.stage} />{row.role !== row.stage && <Mark of={row.role} />}</span> },
                      { name: "metrics", cell: (row) => fields(row.metrics) },
                      { name: "Python", cell: (row) => row.python },
                      { name: "registered", cell: (row) => moment(row.registered_at) },
                      { name: "by", cell: (row) => who(row.registered_by) },
                    ]}
                  />
                )}
              </Listed>
            </Panel>
            <div className="halves">
              <Metrics versions={rows} />
              <Served name={name} />
            </div>
            {rows.length > 1 && <Comparison name={name} versions={rows} />}
          </>
        )}
      </Asked>
    </>
  );
}

/** The metrics that authors stated, over the versions. */
function Metrics({ versions }: { versions: Schemas["VersionAnswer"][] }) {
  const ordered = [...versions].sort((one, other) => one.version - other.version);
  const names = [...new Set(ordered.flatMap((one) => Object.keys(one.metrics)))];
  return (
    <Panel title="Metrics over versions">
      {names.length === 0 && <Empty>None were stated.</Empty>}
      {names.map((metric) => <Dots key={metric} metric={metric} points={ordered.filter((one) => one.metrics[metric] !== undefined).map((one) => [one.version, one.metrics[metric] ?? 0])} />)}
    </Panel>
  );
}

function Dots({ metric, points }: { metric: string; points: [number, number][] }) {
  const values = points.map(([, one]) => one);
  const low = Math.min(...values);
  const room = Math.max(...values) - low || 1;
  const x = (place: number) => 26 + (points.length > 1 ? (place / (points.length - 1)) * 360 : 180);
  const y = (one: number) => 52 - ((one - low) / room) * 32;
  return (
    <figure className="dots">
      <figcaption>{metric}</figcaption>
      <svg viewBox="0 0 420 76" role="img" aria-label={`${metric}: ${points.map(([version, one]) => `version ${version} ${number(one)}`).join(", ")}`}>
        <polyline points={points.map(([, one], place) => `${x(place)},${y(one)}`).join(" ")} />
        {points.map(([version, one], place) => (
          <g key={version}>
            <circle cx={x(place)} cy={y(one)} r="4" />
            <text x={x(place)} y={y(one) - 8} textAnchor="middle">{number(one)}</text>
            <text x={x(place)} y="72" textAnchor="middle" className="value">{place === 0 ? `version ${version}` : version}</text>
          </g>
        ))}
      </svg>
    </figure>
  );
}

function Served({ name }: { name: string }) {
  const history = useAsk("models:history", { model: name });
  return (
    <Panel title="What served when">
      <Asked query={history}>
        {(found) => (
          <Rows
            label="What served when"
            rows={[...found.served].reverse()}
            by={(one) => `${one.at} ${one.alias}`}
            columns={[
              { name: "since", cell: (one) => <span className="nowrap" title={moment(one.at)}>{shortMoment(one.at)}</span> },
              { name: "alias", cell: (one) => <Mark of={one.alias} /> },
              { name: "version", cell: (one) => (one.ref ? <VersionLink of={one.ref} /> : "none") },
              { name: "by", cell: (one) => who(one.actor) },
              { name: "why", cell: (one) => one.reason },
            ]}
          />
        )}
      </Asked>
    </Panel>
  );
}

function Comparison({ name, versions }: { name: string; versions: Schemas["VersionAnswer"][] }) {
  const names = versions.map((one) => one.version).sort((left, right) => left - right).map(String);
  const [one, setOne] = useState(names.at(-2) ?? "");
  const [other, setOther] = useState(names.at(-1) ?? "");
  const compared = useAsk("versions:compare", { model: name, version: one, other: `${name}/${other}` }, { enabled: one !== other });
  return (
    <Panel title="Two versions beside each other" aside={<><Select aria-label="One version" size="xs" w={90} data={names} value={one} onChange={(next) => next && setOne(next)} /> and <Select aria-label="Other version" size="xs" w={90} data={names} value={other} onChange={(next) => next && setOther(next)} /></>}>
      {one !== other && (
        <Asked query={compared}>
          {(found) => (
            <Rows
              label="Differences"
              rows={found.differences}
              by={(each) => each.what}
              columns={[
                { name: "what", cell: (each) => words(each.what) },
                { name: found.left, cell: (each) => side(each.left) },
                { name: found.right, cell: (each) => side(each.right) },
              ]}
            />
          )}
        </Asked>
      )}
    </Panel>
  );
}

/** What one of two versions has: a digest short, a field of the contract in words. */
function side(given: unknown): string {
  if (typeof given === "string" && given.startsWith("sha256:")) return shortDigest(given);
  if (typeof given === "object" && given !== null && "type" in given) return fields(Object.fromEntries(Object.entries(given).filter(([name, each]) => !["name", "dtype"].includes(name) && each !== null)));
  return value(given);
}
