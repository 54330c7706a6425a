import type { ReadonlySignal } from "@preact/signals";
import { clock, zoneName } from "../../present/time.ts";
import type { Trade } from "../../state/live-book.ts";
import { t } from "../../words/i18n.ts";

const shown = 20;

/** The newest trades, newest first. */
export function TradeTape({ trades }: { trades: ReadonlySignal<readonly Trade[]> }) {
  const list = trades.value.slice(0, shown);
  return (
    <section class="panel tape" aria-labelledby="tape-title">
      <h2 id="tape-title">{t("trades")}</h2>
      {list.length === 0 && <p class="quiet">{t("noTrades")}</p>}
      {list.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{t("price")}</th>
              <th scope="col">{t("quantity")}</th>
              <th scope="col">
                {t("time")} ({zoneName()})
              </th>
            </tr>
          </thead>
          <tbody>
            {list.map((trade) => (
              <tr key={trade.id} class={trade.isSell ? "sell" : "buy"}>
                <td>
                  <span class="side-word">{t(trade.isSell ? "sell" : "buy")} </span>
                  {trade.price}
                </td>
                <td>{trade.quantity}</td>
                <td>{clock(trade.atMs * 1000)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
