import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { SymbolStatus } from "../../../../server/domain/status.ts";
import { bookPath, dayPath, follow } from "../../browser/route.ts";
import { watchVisible } from "../../browser/visible.ts";
import { isNarrow, isPhone } from "../../browser/width.ts";
import { grouped } from "../../present/digits.ts";
import { coveragePercent, duration, milliseconds, rate } from "../../present/format.ts";
import { sumOf } from "../../present/levels.ts";
import { isSilent, silentSince } from "../../present/silence.ts";
import { folderOf } from "../../present/streams.ts";
import { dateOf } from "../../present/time.ts";
import { openIncidents } from "../../state/alerts.ts";
import { daysOf } from "../../state/month.ts";
import { midOf, pricesOf } from "../../state/prices.ts";
import { old, status, symbolSignal } from "../../state/state.ts";
import { todayOf } from "../../state/today.ts";
import { t } from "../../words/i18n.ts";
import { Moving } from "../book/prices.tsx";
import { MinuteBar } from "../charts/minute-bar.tsx";
import { MonthBars } from "../charts/month-bars.tsx";
import { Spark } from "../charts/spark.tsx";
import { density } from "./symbol-order.ts";

type Reader = (read: (symbol: SymbolStatus, nowUs: number) => string) => ReadonlySignal<string>;

/** One symbol, one link. Drawn once. Later only changed texts are updated, and only while the row is on the screen. */
export function SymbolRow({ name }: { name: string }) {
  const row = useRef<HTMLTableRowElement>(null);
  const visible = useSignal(true);
  useEffect(() => (row.current === null ? undefined : watchVisible(row.current, visible)), []);
  const of: Reader = (read) => {
    const last = useRef<string | null>(null);
    return useComputed(() => {
      if (!visible.value && last.current !== null) return last.current;
      const symbol = symbolSignal(name)?.value;
      last.current = symbol === undefined ? "–" : read(symbol, status.value?.now_us ?? 0);
      return last.current;
    });
  };
  const state = of(stateOf);
  const lamp = useComputed(() => (old.value ? "old" : state.value));
  return (
    <tr ref={row} data-symbol={name} data-state={state}>
      <th scope="row" class="c-sym">
        <a class="sym" href={bookPath(name)} onClick={follow}>
          <i class="lamp" data-s={lamp} />
          <span>
            {name}
            <small class="streams-of">{of(describe)}</small>
            <small class="rate-of">
              {of((symbol, nowUs) => silence(symbol, nowUs) ?? `${rate(symbol.messages_per_s)}${t("perSecond")}`)}
            </small>
          </span>
        </a>
      </th>
      <Mid of={of} />
      <td class="c-spark">
        <Spark prices={pricesOf(name)} />
      </td>
      {!isPhone.value && <Figures of={of} />}
      <Today name={name} />
      {!isNarrow.value && density.value !== "dense" && <Month name={name} visible={visible} />}
    </tr>
  );
}

/** The mid price; the digits that moved are coloured. */
function Mid({ of }: { of: Reader }) {
  const text = of((symbol) => {
    const mid = midOf(symbol);
    return mid === null ? "" : grouped(mid);
  });
  return (
    <td class="c-mid" data-column="mid">
      <span class="mid">
        <Moving text={text} />
      </span>
    </td>
  );
}

/** Rate and delay; a phone says the rate below the name. */
function Figures({ of }: { of: Reader }) {
  return (
    <>
      <td class="c-rate" data-column="rate">
        {of((symbol) => rate(symbol.messages_per_s))}
        <small>{t("perSecond")}</small>
      </td>
      <td class="c-p99" data-column="p99">
        {of((symbol) => milliseconds(symbol.delay_p99_ms))}
      </td>
    </>
  );
}

function Today({ name }: { name: string }) {
  const day = todayOf(name);
  const spans = useComputed(() => day.value?.spans ?? []);
  const figure = useComputed(() => coveragePercent(day.value?.coverage ?? null));
  const look = useComputed(() => (day.value === null || day.value.coverage === 1 ? "share full" : "share"));
  return (
    <td class="c-today" data-column="coverageToday">
      <a class="cell" href={dayPath(name, dateOf(Date.now() * 1000))} onClick={follow}>
        <MinuteBar spans={spans} />
        <b class={look}>
          <span class="unseen">{t("coverageToday")} </span>
          {figure}
        </b>
      </a>
    </td>
  );
}

function Month({ name, visible }: { name: string; visible: ReadonlySignal<boolean> }) {
  const days = useComputed(() => (visible.value ? daysOf(name) : []));
  const figure = useComputed(() => coveragePercent(sumOf(days.value)?.share ?? null));
  return (
    <td class="c-month">
      <div class="cell">
        <MonthBars days={days.value} />
        <b class={figure.value === "100%" ? "full" : ""}>{figure}</b>
      </div>
    </td>
  );
}

function stateOf(symbol: SymbolStatus): string {
  if (symbol.state === "halted" || symbol.state === "unknown") return symbol.state;
  if (symbol.state === "delisted") return "unknown";
  if (status.value === null || !isSilent(symbol, status.value)) return "live";
  const told = openIncidents.value.filter(({ rule }) => rule === "stale" || rule === "disconnected");
  return told.length > 0 && told.every(({ acknowledged }) => acknowledged !== null) ? "ack" : "silent";
}

function describe(symbol: SymbolStatus, nowUs: number): string {
  return silence(symbol, nowUs) ?? symbol.streams.map(({ stream }) => folderOf(stream)).join(", ");
}

/** Says why no data comes; null while data comes. */
function silence(symbol: SymbolStatus, nowUs: number): string | null {
  const state = stateOf(symbol);
  if (state === "live") return null;
  if (state === "halted") return t("stateHalted");
  if (state === "unknown") return t(symbol.state === "delisted" ? "stateDelisted" : "stateUnknown");
  const age = duration((nowUs - silentSince(symbol, status.value?.started_us ?? nowUs)) / 1e6);
  return t(state === "ack" ? "silentForAcknowledged" : "silentFor", { age });
}
