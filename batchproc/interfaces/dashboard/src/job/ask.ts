// Opens a dialog of a job. They are fetched when the first one is asked for: most looks at a job change nothing.
import { toast } from "../ui/toast";

type Dialogs = typeof import("./dialogs");

export function ask<Name extends keyof Dialogs>(name: Name, ...about: Parameters<Dialogs[Name]>): void {
  import("./dialogs").then(
    (dialogs) => void (dialogs[name] as (...about: unknown[]) => unknown)(...about),
    () => toast("This dialog could not be fetched: the server does not answer, or is another version. Load the page again."),
  );
}
