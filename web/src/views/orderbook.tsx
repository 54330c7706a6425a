import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { BookAnswer } from "../../../server/http/api.ts";
import { readBook } from "../api.ts";
import { Ladder } from "../components/ladder.tsx";
import { SymbolStreams } from "../components/symbol-streams.tsx";
import { t } from "../i18n.ts";
import { createLadder, type Ladder as LadderData } from "../ladder.ts";
import { bookPath, follow, go, overviewPath } from "../route.ts";
import { symbolNames } from "../state.ts";

const pollMs = 1000;

type Answer = { readonly ladder: LadderData; readonly recvUs: number; readonly delayMs: number | null };
type Trouble = "loading" | "unknown_symbol" | "no_data_yet" | "failed" | null;

/** The newest book of one symbol, read once a second. */
export function OrderBook({ symbol }: { symbol: string }) {
  const answer = useSignal<Answer | null>(null);
  const trouble = useSignal<Trouble>("loading");
  useEffect(() => poll(symbol, answer, trouble), [symbol]);
  const bookClass = useComputed(() => (trouble.value === null ? "book" : "book stale"));
  return (
    <>
      <nav class="crumbs">
        <a href={overviewPath()} onClick={follow}>
          {t("overview")}
        </a>
        <h1>{symbol}</h1>
        <SymbolChoice symbol={symbol} />
      </nav>
      <TroubleNotice symbol={symbol} trouble={trouble.value} />
      {answer.value !== null && (
        <div class={bookClass}>
          <Ladder ladder={answer.value.ladder} recvUs={answer.value.recvUs} delayMs={answer.value.delayMs} />
        </div>
      )}
      <SymbolStreams symbol={symbol} />
    </>
  );
}

function poll(symbol: string, answer: Signal<Answer | null>, trouble: Signal<Trouble>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  async function read(): Promise<void> {
    const startMs = performance.now();
    const result = document.visibilityState === "visible" ? await readBook(symbol) : null;
    if (stopped) return;
    if (result?.kind === "book") {
      answer.value = show(result.answer);
      trouble.value = null;
    } else if (result !== null) {
      trouble.value = result.kind;
    }
    timer = setTimeout(read, Math.max(0, pollMs - (performance.now() - startMs)));
  }
  void read();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function show({ book, recv_us, net_delay_ms }: BookAnswer): Answer {
  const ladder = createLadder(book.bids ?? [], book.asks ?? []);
  return { ladder, recvUs: recv_us, delayMs: net_delay_ms };
}

const texts = {
  loading: ["loadingBook", null],
  unknown_symbol: ["unknownSymbol", "unknownSymbolHint"],
  no_data_yet: ["noBook", "noBookHint"],
  failed: ["bookFailed", "bookFailedHint"],
} as const;

function TroubleNotice({ symbol, trouble }: { symbol: string; trouble: Trouble }) {
  if (trouble === null) return null;
  const [sentence, hint] = texts[trouble];
  return (
    <div class={trouble === "failed" ? "notice bad" : "notice"} role="status">
      <strong>{t(sentence, { symbol })}</strong>
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
