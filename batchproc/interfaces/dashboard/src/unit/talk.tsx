// The conversation of a unit's agents, attempt by attempt, as it comes in.
import { Component } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { clock, count } from "../format";
import type { EventLine } from "../types";
import { Failed } from "../ui/basics";
import { Long } from "../ui/fields";
import { Prose } from "../ui/prose";
import { toast } from "../ui/toast";
import { asProblem } from "../resource";
import { Call, Result } from "./call";
import { type Item, type Talk as Attempt, talks, text } from "./turns";
import "../style/talk.css";
import type { Conversation } from "./useconversation";

const NEAR_PX = 120;

export function Talk({ of, runs }: { of: Conversation; runs: boolean }) {
  const events = of.events.value;
  const attempts = useMemo(() => talks(events), [events]);
  const busy = useSignal(false);
  useStickyEnd(events);
  const older = async () => {
    busy.value = true;
    await of.older().catch((error: unknown) => toast(asProblem(error).message));
    busy.value = false;
  };
  return (
    <section class="card talk" aria-label="Conversation">
      <header>
        <h2>Conversation</h2>
        {runs ? (
          <button type="button" class="quiet" onClick={() => scrollTo(0, document.documentElement.scrollHeight)}>
            Follow to the end
          </button>
        ) : null}
      </header>
      {of.problem.value ? <Failed problem={of.problem.value} /> : null}
      {of.before.value !== null ? (
        <button type="button" class="older" disabled={busy.value} onClick={older}>
          Show earlier events
        </button>
      ) : null}
      {of.isThere.value && !events.length ? <p class="nothing">Nothing was said yet: it waits for its turn.</p> : null}
      {attempts.map((one, n) => (
        <AttemptTalk key={`${one.attempt}.${one.items[0]?.event.seq ?? n}`} of={one} />
      ))}
    </section>
  );
}

function AttemptTalk({ of }: { of: Attempt }) {
  return (
    <section aria-label={of.attempt === null ? "Before" : `Attempt ${of.attempt}`}>
      <h3>
        {of.attempt === null ? "Before any attempt" : `Attempt ${of.attempt}`} <small>{clock(of.begun)}</small>
      </h3>
      <ol>
        {of.items.map((item) => (
          <Entry key={item.event.seq} item={item} />
        ))}
      </ol>
    </section>
  );
}

/** Drawn once, and again when its result is there: a long conversation grows several times in a second. */
class Entry extends Component<{ item: Item }> {
  shouldComponentUpdate({ item }: { item: Item }): boolean {
    const now = this.props.item;
    return item.event !== now.event || resultOf(item) !== resultOf(now) || item.turn !== now.turn;
  }

  render({ item }: { item: Item }) {
    return (
      <li class={item.nested ? `of-${item.kind} nested` : `of-${item.kind}`}>
        {item.turn ? <small class="turn">{item.turn}</small> : null}
        <Said item={item} />
      </li>
    );
  }
}

function resultOf(item: Item): EventLine | undefined {
  return item.kind === "call" ? item.result : undefined;
}

function Said({ item }: { item: Item }) {
  const { event } = item;
  switch (item.kind) {
    case "text":
      return <Prose html={event.html} text={text(event.data.text)} />;
    case "thinking":
      return <Folded name="Thinking" said={text(event.data.text)} />;
    case "told":
      return <Folded name="Told" said={text(event.data.text)} />;
    case "call":
      return <Call event={event} result={item.result} />;
    case "note":
      if (event.kind === "agent.tool_result") return <Result of={event} />;
      return (
        <span class={item.tone} title={clock(event.at)}>
          <Long text={item.words} />
        </span>
      );
  }
}

function Folded({ name, said }: { name: string; said: string }) {
  return (
    <details class="folded">
      <summary>
        {name} <small>{`${said.slice(0, 90).replace(/\s+/g, " ")}${said.length > 90 ? "…" : ""}`}</small>
        <small>{count(said.length)} characters</small>
      </summary>
      <p class="said">{said}</p>
    </details>
  );
}

/** Who has scrolled to the end stays there as more comes in; nobody else is moved. */
function useStickyEnd(events: EventLine[]): void {
  const was = useRef({ height: 0, last: 0 });
  useLayoutEffect(() => {
    const page = document.documentElement;
    const last = events.at(-1)?.seq ?? 0;
    const atEnd = scrollY > 0 && scrollY + innerHeight >= was.current.height - NEAR_PX;
    if (was.current.last > 0 && last > was.current.last && atEnd) scrollTo(0, page.scrollHeight);
    was.current = { height: page.scrollHeight, last };
  }, [events]);
}
