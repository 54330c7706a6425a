import { type ReadonlySignal, useComputed } from "@preact/signals";
import { number } from "../../present/format.ts";
import type { Ladder, Level } from "../../present/ladder.ts";
import { t } from "../../words/i18n.ts";

const width = 400;
const height = 140;

/** How much is quoted up to each price: a staircase a side over the same span, best prices in the middle. */
export function DepthChart({ ladder, unit }: { ladder: ReadonlySignal<Ladder | null>; unit: string }) {
  const shape = useComputed(() => (ladder.value === null ? null : shapeOf(ladder.value)));
  const most = useComputed(() =>
    ladder.value === null ? "" : `${number(ladder.value.whole, ladder.value.whole < 100 ? 2 : 0)} ${unit}`,
  );
  const low = useComputed(() => shape.value?.low ?? "");
  const high = useComputed(() => shape.value?.high ?? "");
  return (
    <section class="panel depth-chart" data-part="depth" aria-labelledby="depth-title">
      <header>
        <h2 id="depth-title">{t("depthChart")}</h2>
        <span class="end">{most}</span>
      </header>
      <div class="in">
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <path class="bids" d={useComputed(() => shape.value?.bids ?? "")} />
          <path class="asks" d={useComputed(() => shape.value?.asks ?? "")} />
        </svg>
        <p class="scale t1 soft" aria-hidden="true">
          <span>{low}</span>
          <span>{useComputed(() => ladder.value?.mid ?? "")}</span>
          <span>{high}</span>
        </p>
      </div>
    </section>
  );
}

type Shape = { readonly bids: string; readonly asks: string; readonly low: string; readonly high: string };

function shapeOf({ bids, asks, middle, priceDecimals }: Ladder): Shape | null {
  if (middle === null) return null;
  const reach = Math.max(...[...bids, ...asks].map(({ at }) => Math.abs(at - middle)), Number.MIN_VALUE);
  const stairs = (levels: readonly Level[], end: number) => {
    let path = "";
    let y = height;
    for (const { at, depth } of levels) {
      const x = width / 2 + ((at - middle) / reach) * (width / 2);
      path += `${path === "" ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
      y = height - depth * (height - 4);
      path += `V${y.toFixed(1)}`;
    }
    return path === "" ? "" : `${path}H${end}V${height}Z`;
  };
  const text = (value: number) => number(value, priceDecimals);
  return { bids: stairs(bids, 0), asks: stairs(asks, width), low: text(middle - reach), high: text(middle + reach) };
}
