// What strangers wrote, as it is shown: without control characters and marks that turn what stands beside them, as in the
// shell. One place for all of the page: every text and every hint that Preact makes goes through here. Values of fields,
// links and what is copied or sent stay as they are.
import { options, type VNode } from "preact";

/** Half a surrogate pair, too; a whole one is found here and kept below, which is slower. */
const SUSPECT = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]/;
const UNSEEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu;
const LEFTWARD = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const HINTS = ["title", "aria-label", "placeholder"];

export function shown(text: string): string {
  return SUSPECT.test(text) ? text.replace(UNSEEN, "") : text;
}

/** A name within a text that is no element: where it is written from right to left, it turns nothing beside it. */
export function apart(name: string): string {
  return LEFTWARD.test(name) ? `\u2068${shown(name)}\u2069` : shown(name);
}

/** The texts of HTML that is in the page already. */
export function tidy(root: HTMLElement): void {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode as Text;
    if (SUSPECT.test(one.data)) one.data = shown(one.data);
  }
}

const before = options.vnode;
options.vnode = (vnode: VNode) => {
  const made = vnode as { type: unknown; props: unknown };
  if (made.type === null && typeof made.props === "string") made.props = shown(made.props); // a text
  else if (typeof made.type === "string") {
    const props = made.props as Record<string, unknown>;
    for (const name of HINTS) if (typeof props[name] === "string") props[name] = shown(props[name]);
  }
  before?.(vnode);
};
