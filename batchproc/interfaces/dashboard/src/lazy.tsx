// A page that is fetched when somebody goes there, and kept.
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Problem } from "./api";
import { Failed } from "./ui/basics";

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let page: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const found = useSignal(page);
    const failed = useSignal(false);
    useEffect(() => {
      if (found.value) return;
      load().then(
        (loaded) => {
          page = loaded;
          found.value = loaded;
        },
        () => (failed.value = true),
      );
    }, []);
    if (failed.value) return <Failed problem={MOVED} again={() => location.reload()} />;
    const Found = found.value;
    return Found ? <Found {...props} /> : null;
  };
}

const MOVED = new Problem(0, "no page", "This page could not be fetched. The server ended, or is another version by now: load it again.");
