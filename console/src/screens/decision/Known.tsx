import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/call";
import { Mark } from "../../kit/Marks";
import { type Column, Rows } from "../../kit/Tables";
import { age, identifier, moment, several, value } from "../../kit/show";

type One = Schemas["KnownAnswer"];

/** So many rows stand open; a longer list is opened by who wants it. */
const FEW = 6;

/** What the views knew: one value a row; of a view that was read for each item of a list, one item a row. */
export function KnownFeatures({ features }: { features: One[] }) {
  const single = features.filter((one) => itemOf(one) === "");
  const views = [...new Set(features.filter((one) => itemOf(one) !== "").map((one) => one.source))];
  return (
    <>
      {single.length > 0 && (
        <Rows
          label="Features"
          rows={single}
          by={(one) => one.name}
          columns={[
            { name: "feature", cell: columnOf },
            { name: "value", cell: (one) => <>{value(one.value)} {one.defaulted && <Mark of="default" />}</> },
            { name: "known since", cell: (one) => <Since of={one} /> },
            { name: "source", cell: (one) => <Link to="/features/$view" params={{ view: one.source }} className="nowrap">{one.source}</Link> },
          ]}
        />
      )}
      {views.map((view) => <Items key={view} view={view} features={features.filter((one) => one.source === view)} />)}
    </>
  );
}

function Items({ view, features }: { view: string; features: One[] }) {
  const columns = [...new Set(features.map(columnOf))];
  const items = [...new Set(features.map(itemOf))];
  const at = new Map(features.map((one) => [`${itemOf(one)} ${columnOf(one)}`, one]));
  const shown: Column<string>[] = [
    { name: "item", cell: (item) => item },
    ...columns.map((column) => ({ name: column, cell: (item: string) => value(at.get(`${item} ${column}`)?.value) })),
    { name: "known since", cell: (item) => <Since of={at.get(`${item} ${columns[0] ?? ""}`)} /> },
  ];
  return (
    <details className="items" open={items.length <= FEW}>
      <summary>{view}: {several(items.length, "item")}</summary>
      <p className="small">from <Link to="/features/$view" params={{ view }}>{view}</Link></p>
      <Rows label={view} rows={items} by={identifier} columns={shown} />
    </details>
  );
}

/** How old it was as of the decision; pointed at, since when it was known. What became known after its event time says so. */
function Since({ of }: { of: One | undefined }) {
  if (of?.known_at == null) return <>—</>;
  return <span className="nowrap" title={moment(of.known_at)}>{of.age === null ? moment(of.known_at) : of.age < 0 ? `${age(-of.age)} after` : `${age(of.age)} before`}</span>;
}

/** The item that it is about: `movie_facts[593].title` is of 593, `user_activity.rated` of none. */
function itemOf({ name, source }: One): string {
  return name.startsWith(`${source}[`) ? name.slice(source.length + 1, name.lastIndexOf("].")) : "";
}

function columnOf(one: One): string {
  const item = itemOf(one);
  return one.name.slice(one.source.length + (item ? item.length + 2 : 0) + 1) || one.name;
}
