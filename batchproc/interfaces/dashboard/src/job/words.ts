// Pure: what a job waits for, and what a person can do about it, in the words of the buttons on its page.
import { clock, count, units } from "../format";

export interface Standing {
  job_id: string;
  status: string;
  reason: string | null;
  detail?: string | null;
  total_units: number;
  resume_at?: string | null;
  counts: Record<string, number>;
  needs_approval?: boolean;
}

export interface Waits {
  /** What it waits for, short. */
  title: string;
  /** What to do. */
  todo: string;
  /** Nobody but a person moves it on. */
  person: boolean;
  /** What the main button does. */
  action?: "start" | "resume" | "raise" | "pilot" | "again";
  room?: "doctor" | "approvals";
}

const NOT_APPROVED: Waits = {
  title: "It names a program that is not approved",
  todo: "A person reads and approves it, then resumes the job.",
  person: true,
  action: "resume",
  room: "approvals",
};

const PAUSES: Record<string, Waits> = {
  user: { title: "Paused by a person", todo: "Resume it to go on.", person: true, action: "resume" },
  quota: {
    title: "Waits for the API's limit to end",
    todo: "It goes on by itself, first with one unit. Resume tries at once.",
    person: false,
    action: "resume",
  },
  budget: {
    title: "Its budget is used up",
    todo: "Raise the cap that is named, and it goes on.",
    person: true,
    action: "raise",
  },
  credential: {
    title: "No usable credential",
    todo: "The API refused it, or the supervisor was restarted and has none. Set it where batchproc runs, or log in with the CLI, then resume.",
    person: true,
    action: "resume",
    room: "doctor",
  },
  model: { title: "The model was not found", todo: "Create the job again with another model.", person: true },
  memory: { title: "Waits for memory", todo: "It goes on by itself when there is memory for an agent.", person: false },
  disk: { title: "Waits for room on the disk", todo: "Free some; it goes on by itself.", person: false },
  breaker: {
    title: "Units end badly, all alike",
    todo: "Look at the failure groups, mend the cause and resume. Then retry the group.",
    person: true,
    action: "resume",
  },
  machine: {
    title: "Agents cannot be started here",
    todo: "The log says why. Mend it, then resume.",
    person: true,
    action: "resume",
    room: "doctor",
  },
  cli: { title: "The Claude Code CLI is missing", todo: "Install it, then resume.", person: true, action: "resume", room: "doctor" },
  sandbox: {
    title: "The shell's sandbox does not work here",
    todo: "Install what Doctor names, then resume.",
    person: true,
    action: "resume",
    room: "doctor",
  },
  approval: NOT_APPROVED,
};

/** What the job waits for; undefined while it moves or has ended well. */
export function waitsFor(job: Standing): Waits | undefined {
  switch (job.status) {
    case "review":
      return {
        title: "The pilot is through",
        todo: "Look at its answers and the quote, then approve, change or cancel.",
        person: true,
        action: "pilot",
      };
    case "paused":
      return paused(job);
    case "failed":
      return { title: "Its source could not be read", todo: "Mend the source, then create the job again.", person: false };
    case "ready":
      if (job.needs_approval) {
        return { ...NOT_APPROVED, todo: "A person reads and approves it. Then start the job.", action: "start" };
      }
      return {
        title: "Nothing has run yet",
        todo: "Start tries a few units first: the pilot. It shows their answers and what the rest will cost, and waits for you.",
        person: false,
        action: "start",
      };
    case "cancelled":
      return {
        title: "Cancelled",
        todo: `What was final stays. ${units(job.counts.cancelled ?? 0)} can be taken up again.`,
        person: false,
        action: job.counts.cancelled ? "again" : undefined,
      };
    case "completed":
      return {
        title: "Every unit is final",
        todo: "Judge some answers in Review, ask of all of them in Query, or export them.",
        person: false,
      };
    case "enumerating":
      return {
        title: "Its source is being read",
        todo: `${count(job.total_units)} found so far. It can be started when all of it is in.`,
        person: false,
      };
  }
  return undefined;
}

function paused(job: Standing): Waits {
  const known = PAUSES[job.reason ?? ""];
  if (!known) return { title: "Paused", todo: "Resume it to go on.", person: true, action: "resume" };
  if (!job.resume_at) return known;
  return { ...known, todo: `It goes on by itself at ${clock(job.resume_at)}. Resume tries at once.`, person: false };
}

/** Whether a person can be of use; the server's word for what waits is not needed for it. */
export function needsPerson(job: Standing): boolean {
  return waitsFor(job)?.person ?? false;
}

const REQUEST = "`(?:GET|POST|PATCH|DELETE)\\b";
const ADVICE = new RegExp(`^(?!To )(.*): ${REQUEST}.*$`);
const FOR_PROGRAMS = new RegExp(`${REQUEST}|when nobody is connected|^guard: `);

/** What the server said, without what is meant for programs: sentences that name a request, or their ends that do. */
export function plain(message: string): string {
  const parts = message.split(/(?<=[.;]) /).map((part) => part.replace(ADVICE, (_, fact: string) => fact + (part.match(/[.;]$/) ?? [""])[0]));
  return parts.filter((part) => !FOR_PROGRAMS.test(part)).join(" ").replace(/[.;]$/, "");
}

/** A pause has a word for its reason; all else has a text, which is shown apart. */
export function shortReason(job: Pick<Standing, "status" | "reason">): string | null {
  return job.status === "paused" ? job.reason : null;
}

export const ENDED = new Set(["completed", "failed", "cancelled", "skipped"]);
export const WORKING = new Set(["pilot", "running", "synthesizing"]);

/** How near its budget a job is. */
export function tone(cost: number, budget: number): "over" | "near" | undefined {
  if (budget <= 0) return undefined;
  return cost >= budget ? "over" : cost >= 0.85 * budget ? "near" : undefined;
}
