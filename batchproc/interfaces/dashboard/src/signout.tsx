// Leave this browser's session, in all its tabs.
import { Problem, send } from "./api";
import { leave } from "./session";
import { confirm } from "./ui/confirm";

export function askSignOut(): void {
  confirm({
    title: "Sign out",
    verb: "Sign out",
    body: (
      <p>
        This browser is not let in any more, in any of its tabs, until it opens a new link: run{" "}
        <code>batchproc dashboard</code> for one. What runs goes on.
      </p>
    ),
    act: async () => {
      try {
        await send("DELETE", "/session");
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) throw error; // else it was over already
      }
      leave();
      return undefined;
    },
  });
}
