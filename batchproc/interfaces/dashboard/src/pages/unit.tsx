// One unit: what it was given, what came of it and why, and all that its agents said and did, as they say it.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { get, job as at } from "../api";
import { throttled, useResource } from "../resource";
import { address, to } from "../router";
import { apart } from "../shown";
import type { JobStatus, UnitDetail } from "../types";
import { Card, Copy, Empty, Failed, Loading } from "../ui/basics";
import { Fields } from "../ui/fields";
import { Answer, Earlier, Why } from "../unit/answer";
import { Attempts } from "../unit/attempts";
import { useBeside } from "../unit/beside";
import { standing, texts } from "../unit/evidence";
import { Head } from "../unit/head";
import { Quoted } from "../unit/marked";
import { Talk } from "../unit/talk";
import { useConversation } from "../unit/useconversation";
import "../style/unit.css";

export function Unit({ id, unit: key }: { id: string; unit: string }) {
  address.value; // which two answers are compared is in it
  const job = useResource<JobStatus>(id, (signal) => get(at(id), {}, signal));
  const unit = useResource<UnitDetail>(key, (signal) => get(at(id, "units", key), {}, signal));
  const again = useRef(throttled(() => unit.again(), 1000)).current;
  const talk = useConversation(id, key, again);
  const data = unit.data.value;
  const beside = useBeside(id, key, data);
  const name = job.data.value?.name ?? id;
  useEffect(() => {
    document.title = `${apart(key)} · ${apart(name)} · batchproc`;
    return () => {
      document.title = "batchproc";
    };
  }, [key, name]);
  if (unit.problem.value?.status === 404 && !data) {
    return (
      <Empty title="There is no such unit">
        <p>
          <bdi>{key}</bdi> is not among the units of this job. <a href={to("jobs", id, "units")}>All its units</a>
        </p>
      </Empty>
    );
  }
  return (
    <div class="unit-page">
      <Head id={id} unitKey={key} job={job.data.value} unit={data} beside={beside} again={again} />
      {unit.problem.value ? <Failed problem={unit.problem.value} again={unit.again} kept={data} /> : null}
      {data ? (
        <>
          <Why unit={data} />
          <div class="sides">
            <div class="stack">
              <Answer unit={data} events={talk.events.value} />
              <Earlier of={data.earlier} />
            </div>
            <div class="stack">
              <Given unit={data} />
              <Prompt unit={data} />
            </div>
          </div>
          <Attempts unit={data} talk={talk} />
          <Talk of={talk} runs={data.status === "running"} />
        </>
      ) : unit.problem.value ? null : (
        <Loading />
      )}
    </div>
  );
}

function Given({ unit }: { unit: UnitDetail }) {
  const quoted = useMemo(() => [...standing(unit.output, [...texts(unit.payload)]).keys()], [unit]);
  return (
    <Card title="Payload" aside={<Copy text={JSON.stringify(unit.payload, null, 2)} label="Copy" />}>
      <Fields of={unit.payload} text={(text) => <Quoted text={text} quotes={quoted} />} />
    </Card>
  );
}

/** As it is sent. */
function Prompt({ unit }: { unit: UnitDetail }) {
  return (
    <Card title="Prompt" aside={<Copy text={unit.prompt} label="Copy" />}>
      {unit.system_prompt ? (
        <details class="folded">
          <summary>What all units share</summary>
          <pre class="block">{unit.system_prompt}</pre>
        </details>
      ) : null}
      <details class="folded">
        <summary>Its own part</summary>
        <pre class="block">{unit.prompt}</pre>
      </details>
    </Card>
  );
}
