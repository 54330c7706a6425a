import { useComputed, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { type PageName, pagePath } from "../../server/domain/pages.ts";
import { address, path, type Route, replace, route } from "./browser/route.ts";
import { DemoStrip } from "./components/frame/demo-strip.tsx";
import { Guarded, NoSuchPage } from "./components/frame/failed-view.tsx";
import { later } from "./components/frame/later.tsx";
import { TopBar } from "./components/frame/top-bar.tsx";
import { Lost } from "./components/status/lost.tsx";
import { dateOf, isDate } from "./present/time.ts";
import { old, status, symbolNames } from "./state/state.ts";
import { followTitle } from "./state/title.ts";
import { LoginView } from "./views/login.tsx";
import { Overview } from "./views/overview.tsx";
import { t } from "./words/i18n.ts";

const others = () => import("./views/others.ts");
const CoverageView = later(async () => (await others()).CoverageView);
const DayView = later(async () => (await others()).DayView);
const ArchiveView = later(async () => (await others()).ArchiveView);
const HistoryView = later(async () => (await others()).HistoryView);
const OrderBook = later(async () => (await others()).OrderBook);

/** Loads the views besides the overview, so that they open at once, and open without contact to the recorder too. */
export async function loadViews(): Promise<void> {
  for (const view of [OrderBook, CoverageView, DayView, ArchiveView, HistoryView]) await view.load();
}

/** The page: a bar, and the view that the address asks for. */
export function App() {
  const freshness = useComputed(() => (old.value ? "old" : status.value === null ? "none" : "live"));
  const isDemo = useComputed(() => status.value?.mode === "demo");
  useSignalEffect(followTitle);
  const { page } = route.value;
  return (
    <div class="page" data-freshness={freshness} data-page={page}>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        {t("skip")}
      </button>
      <TopBar page={page} />
      {page !== "login" && isDemo.value && <DemoStrip />}
      <main id="main" tabIndex={-1}>
        {page === "overview" || page === "login" ? null : <Lost />}
        <Guarded key={path()}>
          <View />
        </Guarded>
      </main>
    </div>
  );
}

/** Every page; one that is missing does not compile. */
const views: { readonly [P in PageName]: (route: Route) => JSX.Element } = {
  overview: () => <Overview />,
  coverage: () => <CoverageView />,
  archive: () => <ArchiveView />,
  history: () => <HistoryView />,
  day({ parameters: { symbol = "", date = dateOf(Date.now() * 1000) }, query }) {
    if (!isDate(date)) return <NoSuchPage sentence={t("noSuchDay", { date })} hint={t("noSuchDayHint")} />;
    return <DayView key={`${symbol} ${date}`} symbol={symbol.toUpperCase()} date={date} stream={query.get("stream")} />;
  },
  orderbook: ({ parameters: { symbol } }) =>
    symbol === undefined ? <FirstBook /> : <OrderBook key={symbol} symbol={symbol.toUpperCase()} />,
  login: () => <LoginView />,
};

function View() {
  const shown = route.value;
  if (shown.page === "unknown") return <NoSuchPage sentence={t("noSuchPage")} hint={t("noSuchPageHint")} />;
  return views[shown.page](shown);
}

/** The book without a symbol is that of the first symbol. */
function FirstBook() {
  const [first] = symbolNames.value;
  useSignalEffect(() => {
    const [symbol] = symbolNames.value;
    if (symbol !== undefined) replace(address(pagePath("orderbook", { symbol })));
  });
  return first === undefined ? <p class="empty">{t("loading")}</p> : <></>;
}
