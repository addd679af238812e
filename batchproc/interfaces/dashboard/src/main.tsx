// The page begins here: let the user in, then show where he is.
import { render } from "preact";
import "./shown"; // before anything is made
import "./style/base.css";
import "./style/parts.css";
import { App } from "./app";
import { open } from "./session";
import "./theme";

// A link that is opened in a tab where the page already is changes no more than the hash: nothing would be loaded.
window.addEventListener("hashchange", () => {
  if (new URLSearchParams(location.hash.slice(1)).has("code")) location.reload();
});

const root = document.getElementById("app");
if (root) {
  void open().finally(() => render(<App />, root));
}
