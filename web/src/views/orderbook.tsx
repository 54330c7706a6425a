import { useComputed } from "@preact/signals";
import { pageNames } from "../../../server/text/page-names.ts";
import { bookPath, follow, go, overviewPath } from "../browser/route.ts";
import { Ladder } from "../components/book/ladder.tsx";
import { TradeTape } from "../components/book/trade-tape.tsx";
import { Chart } from "../components/charts/chart.tsx";
import { DepthChart } from "../components/charts/depth-chart.tsx";
import { SymbolStreams } from "../components/symbols/symbol-streams.tsx";
import { type BookTrouble, useLiveBook } from "../state/live-book.ts";
import { symbolNames } from "../state/state.ts";
import { language, t } from "../words/i18n.ts";

/** The live book of one symbol, ten times a second: ladder, depth, mid price, trades. */
export function OrderBook({ symbol }: { symbol: string }) {
  const book = useLiveBook(symbol);
  const bookClass = useComputed(() => (book.trouble.value === null ? "book" : "book stale"));
  const isShown = useComputed(() => book.ladder.value !== null);
  return (
    <>
      <nav class="crumbs" aria-label={t("orderBook")}>
        <a href={overviewPath()} onClick={follow}>
          {pageNames.overview[language.value]}
        </a>
        <h1>{symbol}</h1>
        <SymbolChoice symbol={symbol} />
      </nav>
      <TroubleNotice symbol={symbol} trouble={book.trouble.value} isShown={isShown.value} />
      {isShown.value && (
        <div class={bookClass}>
          <div class="book-side">
            <Ladder book={book} />
            <SymbolStreams symbol={symbol} />
          </div>
          <div class="book-side">
            <section class="panel">
              <Chart name={t("midPrice")} data={book.mids} height={170} isStepped />
            </section>
            <section class="panel">
              <DepthChart ladder={book.ladder} />
            </section>
            <TradeTape trades={book.trades} />
          </div>
        </div>
      )}
      {!isShown.value && <SymbolStreams symbol={symbol} />}
    </>
  );
}

const texts = {
  loading: ["loadingBook", null],
  unknown_symbol: ["unknownSymbol", "unknownSymbolHint"],
  no_data_yet: ["noBook", "noBookHint"],
  lost: ["bookFailed", "bookFailedHint"],
} as const;

type NoticeProps = { symbol: string; trouble: BookTrouble; isShown: boolean };

function TroubleNotice({ symbol, trouble, isShown }: NoticeProps) {
  if (trouble === null) return null;
  const [sentence, hint] = texts[trouble];
  return (
    <div class={trouble === "lost" ? "notice bad" : "notice"} role="status">
      <strong>{t(trouble === "lost" && isShown ? "bookStale" : sentence, { symbol })}</strong>
      {hint !== null && <span>{t(hint)}</span>}
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
