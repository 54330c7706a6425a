import type { ReadonlySignal } from "@preact/signals";
import { grouped, shortQuantity } from "../../present/digits.ts";
import { exactClock, zoneName } from "../../present/time.ts";
import type { Trade } from "../../state/live-book.ts";
import { t } from "../../words/i18n.ts";

const shown = 20;

/** The newest trades, newest first, to the millisecond. */
export function TradeTape({ trades, unit }: { trades: ReadonlySignal<readonly Trade[]>; unit: string }) {
  const list = trades.value.slice(0, shown);
  return (
    <section class="panel tape" data-part="trades" aria-labelledby="tape-title">
      <h2 id="tape-title" class="unseen">
        {t("trades")}
      </h2>
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">{t("trades")}</span>
            </th>
            <th scope="col">{t("price")}</th>
            <th scope="col">{unit === "" ? t("quantity") : t("quantityOf", { unit })}</th>
            <th scope="col">{t("timeIn", { zone: zoneName() })}</th>
          </tr>
        </thead>
        <tbody>
          {list.map(({ price, quantity, atMs, isSell }, n) => (
            // By place: rows that move down ten times a second would be a layout shift each time.
            <tr key={n}>
              <td class={isSell ? "arrow down" : "arrow up"}>
                <span aria-hidden="true">{isSell ? "▼" : "▲"}</span>
                <span class="unseen">{t(isSell ? "sell" : "buy")}</span>
              </td>
              <td class={isSell ? "down" : "up"}>{grouped(price)}</td>
              <td title={quantity}>{shortQuantity(quantity)}</td>
              <td class="soft">{exactClock(atMs * 1000)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.length === 0 && <p class="empty">{t("noTrades")}</p>}
    </section>
  );
}
