import type { ReactNode } from "react";

/** One thing with its heading; `aside` stands at the right of it. */
export function Panel({ title, aside, children, id }: { title?: ReactNode; aside?: ReactNode; children: ReactNode; id?: string }) {
  return (
    <section className="panel" id={id}>
      {title !== undefined && (
        <header className="panel-head">
          <h2>{title}</h2>
          <div className="panel-aside">{aside}</div>
        </header>
      )}
      {children}
    </section>
  );
}

/** Names and values, in two columns. */
export function Facts({ of }: { of: (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? "—"}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>;
}

/** A page's heading with what can be done there. */
export function Heading({ title, under, actions }: { title: ReactNode; under?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="heading">
      <div>
        <h1>{title}</h1>
        {under !== undefined && <div className="under">{under}</div>}
      </div>
      <div className="heading-actions">{actions}</div>
    </div>
  );
}
