import { render } from "preact";
import { checkSession } from "./api/session.ts";
import { App, loadViews } from "./app.tsx";
import { route } from "./browser/route.ts";
import { connect } from "./state/live.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/hero.css";
import "./style/symbols.css";
import "./style/rows.css";
import "./style/charts.css";
import "./style/coverage.css";
import "./style/book.css";
import "./style/lists.css";
import "./style/login.css";

/** The other views are loaded after this time, ms: the first view comes first. */
const quietMs = 2000;

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
if (route.value.page !== "login") {
  connect();
  void checkSession();
  setTimeout(() => void loadViews(), quietMs);
}
