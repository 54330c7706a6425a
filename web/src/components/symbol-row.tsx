import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { SymbolStatus } from "../../../server/status.ts";
import { age, milliseconds, number, rate } from "../format.ts";
import { t } from "../i18n.ts";
import { bookPath, follow } from "../route.ts";
import { status, symbolSignal } from "../state.ts";
import type { Column } from "./symbol-order.ts";

/** Without data for this long, µs, a symbol is worth a look, then bad. */
const quietUs = 10_000_000;
const silentUs = 60_000_000;

/** One symbol. Drawn once; from then on only the texts that changed are touched. */
export function SymbolRow({ name }: { name: string }) {
  const of = (read: (symbol: SymbolStatus) => string) =>
    useComputed(() => {
      const symbol = symbolSignal(name)?.value;
      return symbol === undefined ? "–" : read(symbol);
    });
  const state = of((symbol) => stateOf(symbol, status.value?.now_us ?? 0));
  return (
    <tr data-symbol={name} data-state={state}>
      <th scope="row">
        <a href={bookPath(name)} onClick={follow}>
          {name}
        </a>
      </th>
      <Cell column="rate" text={of((symbol) => `${rate(symbol.messages_per_s)}${t("rateUnit")}`)} />
      <Cell column="delay" text={of((symbol) => milliseconds(symbol.delay_ms))} />
      <Cell column="interval" text={of((symbol) => milliseconds(symbol.interval_ms))} />
      <Cell column="flushInterval" text={of((symbol) => milliseconds(symbol.flush_interval_ms))} />
      <Cell column="bufferedShort" text={of((symbol) => number(symbol.buffered_records))} />
      <Cell column="age" text={of((symbol) => age(status.value?.now_us ?? 0, symbol.last_recv_us))} />
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

function stateOf({ last_recv_us }: SymbolStatus, nowUs: number): string {
  if (last_recv_us === null || nowUs - last_recv_us > silentUs) return "silent";
  return nowUs - last_recv_us > quietUs ? "quiet" : "live";
}
