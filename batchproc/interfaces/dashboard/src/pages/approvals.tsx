// What waits for a person: programs, shells and tools that are allowed only by somebody who read what that would mean.
import { useEffect } from "preact/hooks";
import { get, send } from "../api";
import { ago, count } from "../format";
import { ticks } from "../live";
import { throttled, useResource } from "../resource";
import { to } from "../router";
import "../style/approvals.css";
import type { Approvable, Approvals as Waiting } from "../types";
import { Copy, Empty, Failed, Loading } from "../ui/basics";
import { confirm } from "../ui/confirm";
import { waiting } from "../ui/waiting";

export function Approvals() {
  const found = useResource<Waiting>("approvals", (signal) => get("/approvals", {}, signal));
  useEffect(() => ticks({}, throttled(found.again, 1000)), []);
  useEffect(() => {
    if (found.data.value) waiting.value = found.data.value.approvals.length;
  }, [found.data.value]);
  const problem = found.problem.value;
  return (
    <>
      <div class="head">
        <h1>Approvals</h1>
      </div>
      {problem ? <Failed problem={problem} again={found.again} kept={found.data.value} /> : null}
      {found.data.value ? <List of={found.data.value.approvals} again={found.again} /> : problem ? null : <Loading />}
    </>
  );
}

function List({ of, again }: { of: Approvable[]; again: () => void }) {
  if (of.length === 0) {
    return (
      <Empty title="Nothing waits for you">
        <p>
          Jobs that would start programs, give agents a shell, or let them use tools beyond their files wait here until a person has read
          what that means.
        </p>
      </Empty>
    );
  }
  return (
    <div class="stack approvals">
      <p class="aside">Only a person may allow these, and only after reading all of it.</p>
      {of.map((one) => (
        <Waits key={`${one.name} ${one.hash}`} of={one} again={again} />
      ))}
    </div>
  );
}

function Waits({ of, again }: { of: Approvable; again: () => void }) {
  const lines = of.text.split("\n").length;
  return (
    <section class="card" aria-label={of.what}>
      <header>
        <h2>{what(of)}</h2>
        <small>
          {of.job_id ? <a href={to("jobs", of.job_id)}>{of.job_id}</a> : <span class="mono">{of.name}</span>}
          {of.asked_at ? (
            <>
              {" "}
              · asked <time title={of.asked_at}>{ago(of.asked_at)}</time>
            </>
          ) : null}
          {of.asked_by ? (
            <>
              {" "}
              by <bdi>{of.asked_by}</bdi>
            </>
          ) : null}
        </small>
      </header>
      <pre class="block whole-text" tabIndex={0} aria-label="All of what an approval would allow">
        {of.text}
      </pre>
      <footer>
        <small>
          {count(lines)} {lines === 1 ? "line" : "lines"}, {count(of.text.length)} characters: all of it stands here; read to the end · hash{" "}
          <code>{of.hash}</code>
        </small>
        <Copy text={of.text} label="Copy the text" />
        <button type="button" onClick={() => decline(of, again)}>
          Decline…
        </button>
        <button type="button" class="primary" onClick={() => approve(of, again)}>
          Approve…
        </button>
      </footer>
    </section>
  );
}

const what = (of: Approvable) => of.what.charAt(0).toUpperCase() + of.what.slice(1);

const at = (of: Approvable) => `/approvals/${encodeURIComponent(of.name)}`;

function approve(of: Approvable, again: () => void): void {
  confirm({
    title: "Allow this on this machine?",
    body: (
      <>
        <p>
          <strong>{what(of)}.</strong> It allows just what the text says, for this and for whatever asks for exactly the same later. If
          anything of it changes, it has to be allowed anew.
        </p>
        <p>
          Nothing starts by that alone: the job is {of.job_id ? "started" : "created"} again afterwards. Hash <code>{of.hash}</code>.
        </p>
      </>
    ),
    verb: "Approve",
    act: async () => {
      await send("POST", at(of), { hash: of.hash });
      again();
      return `Allowed. ${of.job_id ? "The job may be started now." : "The job may be created now."}`;
    },
  });
}

function decline(of: Approvable, again: () => void): void {
  confirm({
    title: "Say no to this?",
    body: (
      <p>
        <strong>{what(of)}.</strong> It is taken off this list and stays forbidden. Whoever asked may ask again, and then it stands here
        again.
      </p>
    ),
    verb: "Decline",
    danger: true,
    act: async () => {
      await send("DELETE", at(of), { hash: of.hash });
      again();
      return "Declined. Nothing was allowed.";
    },
  });
}
