import { render } from "preact";
import { checkSession } from "./api/session.ts";
import { App } from "./app.tsx";
import { route } from "./browser/route.ts";
import { connect } from "./state/live.ts";
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
if (route.value.page !== "login") {
  connect();
  void checkSession();
}
