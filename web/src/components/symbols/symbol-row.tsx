import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { SymbolStatus } from "../../../../server/domain/status.ts";
import { bookPath, dayPath, follow } from "../../browser/route.ts";
import { watchVisible } from "../../browser/visible.ts";
import { age, coveragePercent, milliseconds, number, rate } from "../../present/format.ts";
import { dateOf } from "../../present/time.ts";
import { status, symbolSignal } from "../../state/state.ts";
import { todayOf } from "../../state/today.ts";
import { t } from "../../words/i18n.ts";
import { MinuteBar } from "../charts/minute-bar.tsx";
import type { Column } from "./symbol-order.ts";

/** Without data for this long, µs, a symbol is worth a look, then bad. */
const quietUs = 10_000_000;
const silentUs = 60_000_000;

/** One symbol. Drawn once; from then on only the texts that changed are touched, and none while the row is off the screen. */
export function SymbolRow({ name }: { name: string }) {
  const row = useRef<HTMLTableRowElement>(null);
  const visible = useSignal(true);
  useEffect(() => (row.current === null ? undefined : watchVisible(row.current, visible)), []);
  const of = (read: (symbol: SymbolStatus, nowUs: number) => string) => {
    let last = "–";
    return useComputed(() => {
      if (!visible.value) return last;
      const symbol = symbolSignal(name)?.value;
      last = symbol === undefined ? "–" : read(symbol, status.value?.now_us ?? 0);
      return last;
    });
  };
  return (
    <tr ref={row} data-symbol={name} data-state={of(stateOf)}>
      <th scope="row">
        <a href={bookPath(name)} onClick={follow}>
          {name}
        </a>
      </th>
      <Cell column="rate" text={of((symbol) => `${rate(symbol.messages_per_s)}${t("rateUnit")}`)} />
      <Cell column="p50" text={of((symbol) => milliseconds(symbol.delay_p50_ms ?? symbol.delay_ms))} />
      <Cell column="p99" text={of((symbol) => milliseconds(symbol.delay_p99_ms))} />
      <Cell column="interval" text={of((symbol) => milliseconds(symbol.interval_ms))} />
      <Cell column="flushInterval" text={of((symbol) => milliseconds(symbol.flush_interval_ms))} />
      <Cell column="bufferedShort" text={of((symbol) => number(symbol.buffered_records))} />
      <Cell column="age" text={of((symbol, nowUs) => age(nowUs, symbol.last_recv_us))} />
      <Today name={name} />
    </tr>
  );
}

function Cell({ column, text }: { column: Column; text: ReadonlySignal<string> }) {
  return (
    <td data-column={column} data-label={t(column)}>
      {text}
    </td>
  );
}

function Today({ name }: { name: string }) {
  const day = todayOf(name);
  const spans = useComputed(() => day.value?.spans ?? []);
  const figure = useComputed(() => coveragePercent(day.value?.coverage ?? null));
  const path = dayPath(name, dateOf(Date.now() * 1000));
  return (
    <td data-column="coverageToday" data-label={t("coverageToday")}>
      <a href={path} onClick={follow}>
        <MinuteBar spans={spans} />
        <span class="share">{figure}</span>
      </a>
    </td>
  );
}

function stateOf({ last_recv_us, state, streams }: SymbolStatus, nowUs: number): string {
  if (state === "halted") return "halted";
  if (last_recv_us === null || nowUs - last_recv_us > silentUs || streams.some(({ gap }) => gap !== null))
    return "silent";
  return nowUs - last_recv_us > quietUs ? "quiet" : "live";
}
