// The frame around every page, and which page an address is.
import { useEffect } from "preact/hooks";
import { lazy } from "./lazy";
import { connection } from "./live";
import { address, follow, path, to } from "./router";
import { left, refusal, standing } from "./session";
import { askSignOut } from "./signout";
import { nextTheme, theme } from "./theme";
import { Empty } from "./ui/basics";
import { Confirm } from "./ui/confirm";
import { Toast } from "./ui/toast";
import { Troubles } from "./ui/unrenewed";
import { Waiting } from "./ui/waiting";

// Each page comes when somebody goes there.
const Approvals = lazy(() => import("./pages/approvals").then((page) => page.Approvals));
const Doctor = lazy(() => import("./pages/doctor").then((page) => page.Doctor));
const Job = lazy(() => import("./pages/job").then((page) => page.Job));
const Jobs = lazy(() => import("./pages/jobs").then((page) => page.Jobs));
const Logs = lazy(() => import("./pages/logs").then((page) => page.Logs));
const Query = lazy(() => import("./pages/query").then((page) => page.Query));
const Review = lazy(() => import("./pages/review").then((page) => page.Review));
const Unit = lazy(() => import("./pages/unit").then((page) => page.Unit));
const Units = lazy(() => import("./pages/units").then((page) => page.Units));

export function App() {
  useEffect(() => {
    document.addEventListener("click", follow);
    return () => document.removeEventListener("click", follow);
  }, []);
  if (standing.value === "closed") return <Closed />;
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <Top />
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
      <Confirm />
      <div class="toasts">
        <Troubles />
        <Toast />
      </div>
    </>
  );
}

function Page() {
  const [room, id = "", inside, key] = path.value;
  switch (room) {
    case undefined:
    case "jobs":
      if (!id) return <Jobs />;
      if (inside === undefined) return <Job key={id} id={id} />;
      if (inside === "units" && key !== undefined) return <Unit key={`${id}/${key}`} id={id} unit={key} />;
      if (inside === "units") return <Units key={id} id={id} />;
      if (inside === "review") return <Review key={id} id={id} />;
      if (inside === "query") return <Query key={id} id={id} />;
      break;
    case "logs":
      return <Logs />;
    case "doctor":
      return <Doctor />;
    case "approvals":
      return <Approvals />;
  }
  return (
    <Empty title="There is no such page">
      <p>
        {address.value.pathname} is not a page of this dashboard. <a href="/">All jobs</a>
      </p>
    </Empty>
  );
}

const ROOMS = [
  ["Jobs", "/"],
  ["Approvals", to("approvals")],
  ["Logs", to("logs")],
  ["Doctor", to("doctor")],
] as const;

function Top() {
  const here = path.value[0] ?? "jobs";
  return (
    <header class="top">
      <a class="brand" href="/">
        <Mark /> batchproc
      </a>
      <nav aria-label="Rooms">
        {ROOMS.map(([name, href]) => (
          <a key={name} href={href} aria-current={name.toLowerCase() === here ? "page" : undefined}>
            {name}
            {name === "Approvals" ? <Waiting /> : null}
          </a>
        ))}
      </nav>
      <Light />
      <button type="button" class="quiet" onClick={nextTheme} title={`Colours: ${theme.value}`} aria-label={`Colours: ${theme.value}`}>
        <span aria-hidden="true">{THEMES[theme.value]}</span>
      </button>
      <button type="button" class="quiet" onClick={askSignOut}>
        Sign out
      </button>
    </header>
  );
}

const THEMES = { system: "◐", light: "☀", dark: "☾" } as const;
const LIGHTS = { connecting: "connecting", live: "live", away: "reconnecting…" } as const;

function Light() {
  return (
    <span class={`light ${connection.value}`} role="status">
      <span class="dot" aria-hidden="true" />
      {LIGHTS[connection.value]}
    </span>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <rect width="32" height="32" rx="7" class="mark" />
      <path d="M9 10h14M9 16h9M9 22h4" class="lines" />
    </svg>
  );
}

function Closed() {
  return (
    <main id="main" class="closed">
      <Mark />
      <Empty title={left.value ? "You are signed out" : "This page needs a link that lets you in"}>
        {refusal.value ? <p class="failed">{refusal.value}</p> : null}
        <p>
          Run <code>batchproc dashboard</code> in a terminal of this machine, or ask your assistant to open the
          dashboard. The link opens this page once; afterwards this browser is known.
        </p>
      </Empty>
    </main>
  );
}
