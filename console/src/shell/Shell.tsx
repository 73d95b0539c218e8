import { ActionIcon, Button, Kbd, Loader, Menu, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useIsFetching } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useLive } from "../api/live";
import { useSession, useSignOut } from "../api/queries";
import { Boundary } from "../kit/Boundary";
import { SignIn } from "../screens/signin/SignIn";
import { Crumbs } from "./Crumbs";
import { Palette } from "./Palette";
import { Stale } from "./Stale";
import { PLACES } from "./places";

/** What stands around every screen; before somebody has signed in, the sign-in alone. */
export function Shell({ children }: { children: ReactNode }) {
  const who = useSession();
  useLive(who.data !== undefined);
  const signOut = useSignOut();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const asking = useIsFetching();
  const [palette, setPalette] = useState(false);
  useHotkeys([["mod+K", () => setPalette(true)], ["/", () => setPalette(true)]]);
  useEffect(() => {
    const place = PLACES.find((one) => one.to !== "/" && pathname.includes(one.to));
    const last = decodeURIComponent(pathname.split("/").filter(Boolean).at(-1) ?? "");
    document.title = [last, place && place.name.toLowerCase() !== last ? place.name : "", "Tenure"].filter(Boolean).join(" · ");
  }, [pathname]);

  if (who.error && who.error.status === 401) return <SignIn />;
  const may = who.data?.actions ?? [];
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>
        Skip to the content
      </a>
      <nav className="nav" aria-label="Screens">
        <div className="nav-inside">
        <Link to="/" className="brand">
          <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <rect width="32" height="32" rx="7" fill="#0b6e5f" />
            <path d="M7 9h18M16 9v15M11 24h10" stroke="#fff" strokeWidth="3" strokeLinecap="round" fill="none" />
          </svg>
          Tenure
        </Link>
        {PLACES.filter((place) => may.includes(place.needs)).map((place) => (
          <Link key={place.to} to={place.to} className="place" activeOptions={{ exact: place.to === "/", includeSearch: false }} activeProps={{ "aria-current": "page" }}>
            {place.name}
          </Link>
        ))}
        </div>
      </nav>
      <header className="top">
        <Crumbs />
        <div className="top-right">
          <Button variant="default" size="xs" onClick={() => setPalette(true)} rightSection={<Kbd size="xs">Ctrl K</Kbd>}>
            Find anything
          </Button>
          <Scheme />
          {who.data && (
            <Menu position="bottom-end" transitionProps={{ duration: 0 }}>
              <Menu.Target>
                <Button variant="subtle" size="xs" color="gray" aria-label={`signed in as ${who.data.role}`}>
                  {who.data.role}
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Label>
                  {who.data.actor} · {who.data.applications.length ? who.data.applications.join(", ") : "all applications"}
                </Menu.Label>
                <Menu.Item onClick={() => signOut.mutate()}>Sign out</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          )}
        </div>
      </header>
      <main className="main" id="main" ref={main} tabIndex={-1} data-asking={asking > 0}>
        <Stale beat={who} />
        {who.isPending ? <div className="waiting"><Loader size="sm" aria-label="loading" /></div> : <Boundary place={pathname}>{children}</Boundary>}
      </main>
      {palette && <Palette close={() => setPalette(false)} />}
    </div>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const now = useComputedColorScheme("light");
  const other = now === "light" ? "dark" : "light";
  return (
    <ActionIcon variant="default" size="md" aria-label={`use the ${other} colours`} onClick={() => setColorScheme(other)}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="1.6" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
    </ActionIcon>
  );
}
