import { render } from "preact";
import { App } from "./app.tsx";
import { connect } from "./live.ts";
import { route } from "./route.ts";
import { checkSession } from "./session.ts";
import "./style/base.css";
import "./style/frame.css";
import "./style/headline.css";
import "./style/alerts.css";
import "./style/tiles.css";
import "./style/panels.css";
import "./style/symbols.css";
import "./style/book.css";
import "./style/views.css";
import "./style/lists.css";
import "./style/old.css";
import "./style/login.css";

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
if (route.value.view !== "login") {
  connect();
  void checkSession();
}
