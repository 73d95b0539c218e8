import { Link, useLocation } from "@tanstack/react-router";
import { BASE } from "../api/call";
import { words } from "../kit/show";

/** The way to this screen; each part leads back to where it names. */
export function Crumbs() {
  const path = useLocation().pathname;
  const inside = `/${path.startsWith(BASE) ? path.slice(BASE.length) : path}`.replace(/\/+/g, "/");
  const parts = inside.split("/").filter(Boolean);
  return (
    <nav aria-label="Where you are" className="crumbs">
      <ol>
        <li>
          <Link to="/">Tenure</Link>
        </li>
        {parts.map((part, place) => {
          const way: string = `/${parts.slice(0, place + 1).join("/")}`;
          const last = place === parts.length - 1;
          const text = place === 0 ? words(part).replace(/^./, (first) => first.toUpperCase()) : decodeURIComponent(part);
          return (
            <li key={way} aria-current={last ? "page" : undefined}>
              {last ? text : <Link to={way}>{text}</Link>}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
