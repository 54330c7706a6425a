import { milliseconds, number, percent } from "../format.ts";
import { t } from "../i18n.ts";
import type { Ladder as LadderData, Level } from "../ladder.ts";

/** Both sides of a book, best prices next to each other. */
export function Ladder({ ladder, recvUs, delayMs }: { ladder: LadderData; recvUs: number; delayMs: number | null }) {
  const { mid, spread, spreadBp, bidShare } = ladder;
  return (
    <>
      <dl class="midline">
        <Fact name="mid" label={t("mid")} value={mid} />
        <Fact
          name="spread"
          label={t("spread")}
          value={spread}
          detail={spreadBp === null ? "" : t("basisPoints", { n: number(spreadBp, 2) })}
        />
        <Fact name="share" label={t("imbalance")} value={bidShare === null ? "–" : percent(bidShare)} />
        <Fact name="delay" label={t("delay")} value={milliseconds(delayMs)} />
        <Fact
          name="received"
          label={t("bookAge")}
          value={new Date(recvUs / 1000).toISOString().slice(11, 23)}
          detail="UTC"
        />
      </dl>
      <div class="ladder">
        <Side name="bids" levels={ladder.bids} />
        <Side name="asks" levels={ladder.asks} />
      </div>
    </>
  );
}

function Fact({ name, label, value, detail }: { name: string; label: string; value: string; detail?: string }) {
  return (
    <div data-fact={name}>
      <dt>{label}</dt>
      <dd>
        {value} {detail ? <small>{detail}</small> : null}
      </dd>
    </div>
  );
}

function Side({ name, levels }: { name: "bids" | "asks"; levels: readonly Level[] }) {
  return (
    <table class={`side-${name}`}>
      <caption>{t(name)}</caption>
      <thead>
        <tr>
          <th scope="col">{t("total")}</th>
          <th scope="col">{t("quantity")}</th>
          <th scope="col">{t("price")}</th>
        </tr>
      </thead>
      <tbody>
        {levels.map((level, index) => (
          <tr key={index} style={{ "--depth": level.depth.toFixed(4) }}>
            <td class="total">{level.total}</td>
            <td>{level.quantity}</td>
            <td class="price">{level.price}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
