// What surrounds every screen: the menu, the search, the namespace, and whether what is shown is current.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { chooseNamespace } from "./api/client";
import { useConnection } from "./api/connection";
import type { Page } from "./api/model";
import { usePlain } from "./api/queries";
import { useNow } from "./clock";
import { duration } from "./format";
import { useLiveness } from "./live";
import { Dialog } from "./parts/dialog";
import { Icon, type IconName } from "./parts/icon";
import { Mark } from "./parts/mark";
import { go, Link } from "./router";
import { signOut, useMay, useSession } from "./session";
import { useTheme } from "./theme";

interface Entry {
  href: string;
  title: string;
  icon: IconName;
  shortcut: string;
  isAdmin?: boolean;
}

const menu: Entry[][] = [
  [
    { href: "/", title: "Overview", icon: "overview", shortcut: "o" },
    { href: "/runs", title: "Runs", icon: "runs", shortcut: "r" },
    { href: "/dead-letters", title: "Dead letters", icon: "dead", shortcut: "d" },
    { href: "/decisions", title: "Decisions", icon: "decision", shortcut: "a" },
  ],
  [
    { href: "/queues", title: "Queues", icon: "queue", shortcut: "q" },
    { href: "/schedules", title: "Schedules", icon: "schedule", shortcut: "s" },
    { href: "/signals", title: "Signals", icon: "signal", shortcut: "i" },
    { href: "/webhooks", title: "Webhooks", icon: "webhook", shortcut: "w" },
    { href: "/workflows", title: "Definitions", icon: "workflow", shortcut: "f" },
  ],
  [
    { href: "/operations", title: "Operations", icon: "operation", shortcut: "b" },
    { href: "/approvals", title: "Approvals", icon: "approval", shortcut: "p" },
    { href: "/audit", title: "Audit", icon: "audit", shortcut: "u", isAdmin: true },
    { href: "/nodes", title: "Nodes", icon: "node", shortcut: "n" },
  ],
];

const kIdText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const isEditing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function Search() {
  const box = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const isSlash = event.key === "/" && !isEditing(event.target);
      const isCommand = event.key === "k" && (event.ctrlKey || event.metaKey);
      if (!isSlash && !isCommand) return;
      event.preventDefault();
      box.current?.select();
      box.current?.focus();
    };
    window.addEventListener("keydown", focus);
    return () => window.removeEventListener("keydown", focus);
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted === "") return;
    go(kIdText.test(wanted) ? `/runs/${wanted.toLowerCase()}` : `/runs?q=${encodeURIComponent(wanted)}`);
    setText("");
    box.current?.blur();
  };
  return (
    <form role="search" className="search" onSubmit={submit}>
      <Icon name="search" />
      <input
        ref={box}
        type="search"
        aria-label="Find a run by id, key or workflow"
        placeholder="Find a run by id, key or workflow"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

function NamespaceChoice() {
  const session = useSession();
  const all = usePlain<Page<{ name: string }>>("/v1/namespaces", undefined, { live: false, enabled: session.namespaces === null });
  const names = session.namespaces ?? all.data?.items.map((item) => item.name) ?? [session.namespace];
  if (names.length < 2) return <span className="namespace-name" title="Namespace">{session.namespace}</span>;
  return (
    <select
      className="namespace"
      aria-label="Namespace"
      value={session.namespace}
      onChange={(event) => {
        chooseNamespace(event.target.value);
        location.assign("/");
      }}
    >
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function Liveness() {
  const connection = useConnection();
  const how = useLiveness();
  if (connection.state === "away") return <span className="live live-away">away</span>;
  return (
    <span className={`live live-${how}`} title={how === "stream" ? "Changes appear as they happen" : "Asked again every few seconds"}>
      <i aria-hidden="true" /> {how === "stream" ? "live" : "polling"}
    </span>
  );
}

function AwayBanner() {
  const connection = useConnection();
  const now = useNow();
  if (connection.state === "well") return null;
  return (
    <div className="away" role="alert">
      <strong>The server does not answer.</strong> What you see is {duration(now - connection.heardAt)} old. Trying again every second;
      nothing that was accepted is lost.
    </div>
  );
}

const chords: [string, string][] = menu.flat().map((entry) => [`g ${entry.shortcut}`, entry.title]);

function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const keys: [string, string][] = [
    ["/", "find a run"],
    ["j  k", "next and previous row"],
    ["Enter", "open the row"],
    ["x", "select the row"],
    ["?", "this list"],
    ...chords,
  ];
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl className="keys">
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function useShortcuts(): [boolean, (open: boolean) => void] {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    let isChord = false;
    const press = (event: KeyboardEvent): void => {
      if (isEditing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (isChord) {
        isChord = false;
        const entry = menu.flat().find((candidate) => candidate.shortcut === event.key);
        if (entry) {
          event.preventDefault();
          go(entry.href);
        }
        return;
      }
      if (event.key === "g") isChord = true;
      if (event.key === "?") setOpen(true);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
  return [isOpen, setOpen];
}

export function Shell({ path, children }: { path: string; children: ReactNode }) {
  const session = useSession();
  const isAdmin = useMay("admin");
  const [theme, nextTheme] = useTheme();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isHelpOpen, setHelpOpen] = useShortcuts();
  useEffect(() => setMenuOpen(false), [path]);
  const isHere = (href: string): boolean => (href === "/" ? path === "/" : path === href || path.startsWith(`${href}/`));
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="top">
        <button className="button quiet icon menu-button" aria-label="Menu" aria-expanded={isMenuOpen} aria-controls="menu" onClick={() => setMenuOpen(!isMenuOpen)}>
          <Icon name="menu" />
        </button>
        <Link href="/" className="brand" aria-label="Orchestrator, overview">
          <Mark />
          <span>Orchestrator</span>
        </Link>
        <Search />
        <div className="top-right">
          <Liveness />
          <NamespaceChoice />
          <button className="button quiet icon" onClick={nextTheme} aria-label={`Colours: ${theme}. Change`} title={`Colours: ${theme}`}>
            <Icon name={theme === "dark" ? "moon" : theme === "light" ? "sun" : "contrast"} />
          </button>
          <button className="button quiet icon wide-only" onClick={() => setHelpOpen(true)} aria-label="Keyboard shortcuts">
            <Icon name="keyboard" />
          </button>
        </div>
      </header>
      <nav id="menu" className={isMenuOpen ? "menu open" : "menu"} aria-label="Screens">
        {menu.map((group, at) => (
          <ul key={at}>
            {group
              .filter((entry) => !entry.isAdmin || isAdmin)
              .map((entry) => (
                <li key={entry.href}>
                  <Link href={entry.href} aria-current={isHere(entry.href) ? "page" : undefined} title={`g ${entry.shortcut}`}>
                    <Icon name={entry.icon} />
                    {entry.title}
                  </Link>
                </li>
              ))}
          </ul>
        ))}
        <div className="menu-foot">
          <p className="who">
            <strong>{session.actor}</strong>
            <span className="muted">{session.role}</span>
          </p>
          <button className="button quiet small" onClick={() => void signOut()}>
            Sign out
          </button>
        </div>
      </nav>
      <main id="content" className="content" tabIndex={-1}>
        <AwayBanner />
        {children}
      </main>
      {isHelpOpen && <ShortcutHelp onClose={() => setHelpOpen(false)} />}
    </div>
  );
}
