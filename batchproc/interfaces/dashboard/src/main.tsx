// The page begins here: let the user in, then show where he is.
import { render } from "preact";
import "./style/base.css";
import "./style/parts.css";
import { App } from "./app";
import { open } from "./session";
import "./theme";

const root = document.getElementById("app");
if (root) {
  void open().finally(() => render(<App />, root));
}
