import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { pageNames } from "../../../server/text/page-names.ts";
import { api, ask, patience } from "../api/api.ts";
import { useResource } from "../api/resource.ts";
import { address, bookPath, dayPath, follow, go, overviewPath } from "../browser/route.ts";
import { chooseTicks } from "../browser/ticks.ts";
import { isPhone } from "../browser/width.ts";
import { Ladder } from "../components/book/ladder.tsx";
import { Quote } from "../components/book/quote.tsx";
import { TradeTape } from "../components/book/trade-tape.tsx";
import { Chart } from "../components/charts/chart.tsx";
import { DepthChart } from "../components/charts/depth-chart.tsx";
import { SymbolStreams } from "../components/symbols/symbol-streams.tsx";
import { duration, number } from "../present/format.ts";
import { dateOf } from "../present/time.ts";
import { quoteUnits } from "../present/units.ts";
import { type BookTrouble, useLiveBook } from "../state/live-book.ts";
import { symbolNames } from "../state/state.ts";
import { shownPrice } from "../state/title.ts";
import { receiveToday, todayOf } from "../state/today.ts";
import { language, t, ticks } from "../words/i18n.ts";

const parts = ["book", "depth", "trades"] as const;
const partWords = { book: "bookTab", depth: "depthTab", trades: "trades" } as const;

/** The live book of one symbol, ten times a second: ladder, depth, mid price, trades. */
export function OrderBook({ symbol }: { symbol: string }) {
  const book = useLiveBook(symbol);
  const shown = useSignal<(typeof parts)[number]>("book");
  const isStale = useComputed(() => book.trouble.value !== null && book.trouble.value !== "loading");
  const isShown = useComputed(() => book.ladder.value !== null);
  const decimals = useComputed(() => (book.ladder.value?.priceDecimals ?? 1) + 1);
  const [base, quote] = quoteUnits(symbol);
  useResource("today", renewMs, async () => {
    const answer = await ask(api.api.coverage.today.get(patience()));
    if (answer.ok) receiveToday(answer.value);
    return answer;
  });
  useSignalEffect(() => {
    shownPrice.value = book.ladder.value?.mid ?? null;
  });
  useEffect(
    () => () => {
      shownPrice.value = null;
    },
    [],
  );
  return (
    <>
      <nav class="crumbs" aria-label={t("orderBook")}>
        <a class="soft" href={overviewPath()} onClick={follow}>
          ← {pageNames.overview[language.value]}
        </a>
        <h1>{symbol}</h1>
        <SymbolChoice symbol={symbol} />
        <About symbol={symbol} />
        <div class="end wide-only">
          <select
            aria-label={t("ticks")}
            value={ticks.value}
            onChange={(event) => chooseTicks(event.currentTarget.value === "red-blue" ? "red-blue" : "green-red")}
          >
            <option value="green-red">{t("ticksGreen")}</option>
            <option value="red-blue">{t("ticksRed")}</option>
          </select>
        </div>
      </nav>
      <TroubleNotice symbol={symbol} trouble={book.trouble.value} isShown={isShown.value} />
      {isShown.value && (
        <div class={isStale.value ? "book stale" : "book"} data-shown={shown.value}>
          <section class="panel quote-panel">
            <Quote book={book} unit={quote} />
          </section>
          <section class="panel book-chart" aria-labelledby="mid-title">
            <header>
              <h2 id="mid-title">{t("midTwoMinutes")}</h2>
              <span class="end">{quote}</span>
            </header>
            <div class="in">
              <Chart
                name={t("midTwoMinutes")}
                data={book.mids}
                height={isPhone.value ? 72 : 210}
                marks={isPhone.value ? 2 : 5}
                format={(value) => number(value, decimals.value)}
                isStepped
                isTagged
                shortest={120}
              />
            </div>
          </section>
          <div class="seg tabs" role="tablist">
            {parts.map((part) => (
              <button
                key={part}
                type="button"
                role="tab"
                aria-selected={shown.value === part}
                onClick={() => {
                  shown.value = part;
                }}
              >
                {t(partWords[part])}
              </button>
            ))}
          </div>
          <DepthChart ladder={book.ladder} unit={base} />
          <Ladder book={book} unit={base} />
          <TradeTape trades={book.trades} unit={base} />
        </div>
      )}
      {book.trouble.value !== "loading" && <SymbolStreams symbol={symbol} />}
    </>
  );
}

/** Says how complete the symbol's day is, and leads to it. */
function About({ symbol }: { symbol: string }) {
  const day = todayOf(symbol).value;
  return (
    <span class="soft wide-only about">
      {day !== null && day.coverage !== null && (
        <span>{day.missingS === 0 ? t("completeDay") : t("missingDay", { time: duration(day.missingS) })}</span>
      )}
      <a href={dayPath(symbol, dateOf(Date.now() * 1000))} onClick={follow}>
        {t("dayOf")}
      </a>
      <a href={address(`archive?symbol=${encodeURIComponent(symbol)}`)} onClick={follow}>
        {t("archivesOf")}
      </a>
    </span>
  );
}

const texts = {
  unknown_symbol: ["unknownSymbol", "unknownSymbolHint"],
  no_data_yet: ["noBook", "noBookHint"],
  lost: ["bookFailed", "bookFailedHint"],
} as const;

/** How often today's coverage is read, ms. */
const renewMs = 30_000;

type NoticeProps = { symbol: string; trouble: BookTrouble; isShown: boolean };

function TroubleNotice({ symbol, trouble, isShown }: NoticeProps) {
  if (trouble === null || trouble === "loading") return null;
  const [sentence, hint] = texts[trouble];
  return (
    <div class={trouble === "lost" ? "notice bad" : "notice"} role="status">
      <strong>{t(trouble === "lost" && isShown ? "bookStale" : sentence, { symbol })}</strong>
      <span>{t(hint)}</span>
    </div>
  );
}

function SymbolChoice({ symbol }: { symbol: string }) {
  const names = symbolNames.value;
  if (names.length < 2) return null;
  return (
    <select aria-label={t("symbol")} value={symbol} onChange={(event) => go(bookPath(event.currentTarget.value))}>
      {names.includes(symbol) ? null : <option value={symbol}>{symbol}</option>}
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
