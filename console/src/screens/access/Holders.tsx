import type { ReactNode } from "react";
import type { Given, Schemas } from "../../api/call";
import { Filters } from "../../kit/Filters";
import { Listed } from "../../kit/Listed";
import { Panel } from "../../kit/Panel";
import { type Column, Rows } from "../../kit/Tables";
import { usePlace } from "../../kit/place";
import { moment, who } from "../../kit/show";
import { ROLES } from "../../kit/words";

type Lists = "tokens:list" | "users:list";
/** What tokens and accounts have in common. */
type Holder = Pick<Schemas["TokenAnswer"] & Schemas["UserAnswer"], "role" | "applications" | "created_at" | "created_by">;

interface Props<A extends Lists, R extends Holder> {
  action: A;
  title: string;
  /** what its filters and its page are called in the address */
  place: string;
  /** how a new one is made */
  aside: ReactNode;
  /** what was just made is shown here */
  children: ReactNode;
  empty: string;
  by: (row: R) => string;
  /** what names one, before its role */
  names: Column<R>[];
  /** what only these have */
  more: Column<R>[];
  actions: (row: R) => ReactNode;
}

/** Who or what may come in with a role: people by their accounts, programs by their tokens. */
export function Holders<A extends Lists, R extends Holder>({ action, title, place, aside, children, empty, by, names, more, actions }: Props<A, R>) {
  const [search] = usePlace();
  const given = { name: search[place] ?? "", role: search[`${place}_role`] ?? "" } as Omit<Given<A>, "limit" | "cursor">;
  const columns: Column<R>[] = [
    ...names,
    { name: "role", cell: (row) => row.role },
    { name: "for", cell: (row) => row.applications.join(", ") || "all" },
    ...more,
    { name: "made", cell: (row) => `${moment(row.created_at)} by ${who(row.created_by)}` },
    { name: "", cell: actions },
  ];
  return (
    <Panel title={title} aside={aside}>
      {children}
      <Filters cursor={`${place}s_cursor`} filters={[{ name: place, label: "Name", placeholder: "a part of it" }, { name: `${place}_role`, label: "Role", choices: ROLES }]} />
      <Listed action={action} given={given} cursor={`${place}s_cursor`} empty={empty}>
        {(rows) => <Rows label={title} rows={rows as unknown as R[]} by={by} columns={columns} />}
      </Listed>
    </Panel>
  );
}
