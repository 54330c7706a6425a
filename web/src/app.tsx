import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { navigationEntryOf, navigationPages, type PageName, pagePath } from "../../server/domain/pages.ts";
import type { Language } from "../../server/text/language.ts";
import { pageNames } from "../../server/text/page-names.ts";
import { loggedIn, logOut } from "./api/session.ts";
import { address, follow, overviewPath, type Route, route } from "./browser/route.ts";
import { nextTheme, theme } from "./browser/theme.ts";
import { duration } from "./present/format.ts";
import { dateOf, nextZone, zone, zoneName } from "./present/time.ts";
import { ageSeconds, link, old, status } from "./state/state.ts";
import { ArchiveView } from "./views/archive.tsx";
import { CoverageView } from "./views/coverage.tsx";
import { DayView } from "./views/day.tsx";
import { HistoryView } from "./views/history.tsx";
import { LoginView } from "./views/login.tsx";
import { OrderBook } from "./views/orderbook.tsx";
import { Overview } from "./views/overview.tsx";
import { choose, language, t } from "./words/i18n.ts";

const languages: readonly { code: Language; short: string; name: string }[] = [
  { code: "en", short: "EN", name: "English" },
  { code: "ko", short: "한", name: "한국어" },
];

/** The page: a bar, and the view that the address asks for. */
export function App() {
  const freshness = useComputed(() => (old.value ? "old" : status.value === null ? "none" : "live"));
  return (
    <div class="page" data-freshness={freshness}>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        {t("skip")}
      </button>
      <header class="bar">
        <a class="brand" href={overviewPath()} onClick={follow}>
          <Mark />
          <span>RT-Data</span>
        </a>
        <Mode />
        {route.value.page === "login" ? null : <Navigation />}
        <Choices />
      </header>
      <main id="main" tabIndex={-1}>
        <Old />
        <View />
      </main>
    </div>
  );
}

/** Overview and book say it themselves, in their own words. */
function Old() {
  const { page } = route.value;
  const isLost = useComputed(() => (status.value === null ? link.value === "lost" : old.value));
  if (page === "overview" || page === "orderbook" || page === "login" || !isLost.value) return null;
  const age = duration(ageSeconds.value);
  return (
    <div class="notice bad" role="status" data-old>
      <strong>{t(status.value === null ? "noAnswer" : link.value === "lost" ? "lost" : "old")}</strong>
      <span>{status.value === null ? t("noAnswerHint") : t("oldHint", { age })}</span>
    </div>
  );
}

/** Every page; one that is missing does not compile. */
const views: { readonly [P in PageName]: (route: Route) => JSX.Element } = {
  overview: () => <Overview />,
  coverage: () => <CoverageView />,
  archive: () => <ArchiveView />,
  history: () => <HistoryView />,
  day({ parameters: { symbol = "", date = "" }, query }) {
    const day = isDate(date) ? date : dateOf(Date.now() * 1000);
    return <DayView key={`${symbol} ${day}`} symbol={symbol.toUpperCase()} date={day} stream={query.get("stream")} />;
  },
  orderbook: ({ parameters: { symbol = "" } }) => <OrderBook key={symbol} symbol={symbol.toUpperCase()} />,
  login: () => <LoginView />,
};

function View() {
  return views[route.value.page](route.value);
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text);
}

function Navigation() {
  const entry = navigationEntryOf(route.value.page);
  return (
    <nav class="views" aria-label={t("views")}>
      {navigationPages.map((page) => (
        <a
          key={page}
          href={address(pagePath(page))}
          onClick={follow}
          aria-current={page === entry ? "page" : undefined}
        >
          {pageNames[page][language.value]}
        </a>
      ))}
    </nav>
  );
}

/** What everybody sets once: zone, colours, language. */
function Choices() {
  const name = t(theme.value === "system" ? "themeSystem" : theme.value === "light" ? "themeLight" : "themeDark");
  return (
    <div class="choices">
      <button
        type="button"
        class="chip"
        title={t("zone", { zone: zoneName() })}
        aria-label={t("zone", { zone: zoneName() })}
        onClick={nextZone}
      >
        {zone.value === "utc" ? "UTC" : zoneName()}
      </button>
      <button
        type="button"
        class="chip icon"
        title={t("theme", { name })}
        aria-label={t("theme", { name })}
        onClick={nextTheme}
      >
        <ThemeMark />
      </button>
      <fieldset class="languages" aria-label={t("language")}>
        {languages.map(({ code, short, name: languageName }) => (
          <button
            key={code}
            type="button"
            lang={code}
            title={languageName}
            aria-pressed={language.value === code}
            onClick={() => choose(code)}
          >
            {short}
            <span class="unseen"> {languageName}</span>
          </button>
        ))}
      </fieldset>
      {loggedIn.value && (
        <button type="button" class="chip" onClick={() => void logOut()}>
          {t("logOut")}
        </button>
      )}
    </div>
  );
}

function ThemeMark() {
  const chosen = theme.value;
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="1.5" />
      {chosen !== "light" && (
        <path
          d={chosen === "dark" ? "M8 2.5a5.5 5.5 0 010 11 5.5 5.5 0 010-11z" : "M8 2.5a5.5 5.5 0 010 11z"}
          fill="currentColor"
        />
      )}
    </svg>
  );
}

function Mode() {
  const demo = useComputed(() => status.value?.mode === "demo");
  return demo.value ? (
    <span class="badge" title={t("demoHint")}>
      {t("demo")}
    </span>
  ) : null;
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <path class="ask" d="M4 6h16v4H4zM4 12h10v3H4z" />
      <path class="bid" d="M28 26H12v-4h16zM28 20H18v-3h10z" />
    </svg>
  );
}
