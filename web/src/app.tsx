import { useComputed } from "@preact/signals";
import { choose, type Language, language, t } from "./i18n.ts";
import { follow, overviewPath, route } from "./route.ts";
import { old, status } from "./state.ts";
import { OrderBook } from "./views/orderbook.tsx";
import { Overview } from "./views/overview.tsx";

const languages: readonly { code: Language; short: string; name: string }[] = [
  { code: "en", short: "EN", name: "English" },
  { code: "ko", short: "한", name: "한국어" },
];

/** The page: a bar, and the view that the address asks for. */
export function App() {
  const shown = route.value;
  const freshness = useComputed(() => (old.value ? "old" : status.value === null ? "none" : "live"));
  return (
    <div class="page" data-freshness={freshness}>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        {t("skip")}
      </button>
      <header class="bar">
        <a class="brand" href={overviewPath()} onClick={follow}>
          <Mark />
          RT-Data
        </a>
        <Mode />
        <fieldset class="languages" aria-label={t("language")}>
          {languages.map(({ code, short, name }) => (
            <button
              key={code}
              type="button"
              lang={code}
              title={name}
              aria-label={name}
              aria-pressed={language.value === code}
              onClick={() => choose(code)}
            >
              {short}
            </button>
          ))}
        </fieldset>
      </header>
      <main id="main" tabIndex={-1}>
        {shown.view === "overview" ? <Overview /> : <OrderBook key={shown.symbol} symbol={shown.symbol} />}
      </main>
    </div>
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
