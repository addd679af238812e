// The only place where HTML of an agent enters the page: rendered from markdown and sanitised by the server, and let
// through by the one Trusted Types policy that the server's Content-Security-Policy allows.
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { tidy } from "../shown";

interface Policy {
  createHTML(html: string): unknown;
}
interface Factory {
  createPolicy(name: string, rules: { createHTML(html: string): string }): Policy;
}

const factory = (window as unknown as { trustedTypes?: Factory }).trustedTypes;
const policy: Policy = factory?.createPolicy("batchproc", { createHTML: (html) => html }) ?? { createHTML: (html) => html };

/** What an agent said. Without HTML from the server it is text. */
export function Prose({ html, text }: { html: string | null | undefined; text: string | null | undefined }) {
  const made = useMemo(() => (html ? policy.createHTML(html) : undefined), [html]); // another one would be put in anew
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (place.current) tidy(place.current);
  }, [made]);
  if (made) return <div class="prose" ref={place} dangerouslySetInnerHTML={{ __html: made as string }} />;
  return <pre class="prose">{text ?? ""}</pre>;
}
