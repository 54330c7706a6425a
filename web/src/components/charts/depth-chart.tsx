import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { Ladder, Level } from "../../present/ladder.ts";
import { t } from "../../words/i18n.ts";

const width = 400;
const height = 140;

/** How much is quoted up to each price: a staircase a side, best prices in the middle. The ladder says the same in figures. */
export function DepthChart({ ladder }: { ladder: ReadonlySignal<Ladder | null> }) {
  const shape = useComputed(() => (ladder.value === null ? null : shapeOf(ladder.value)));
  const bids = useComputed(() => shape.value?.bids ?? "");
  const asks = useComputed(() => shape.value?.asks ?? "");
  const low = useComputed(() => ladder.value?.bids.at(-1)?.price ?? "");
  const mid = useComputed(() => ladder.value?.mid ?? "");
  const high = useComputed(() => ladder.value?.asks.at(-1)?.price ?? "");
  return (
    <figure class="chart depth-chart">
      <figcaption>{t("depthChart")}</figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="bids" d={bids} />
        <path class="asks" d={asks} />
      </svg>
      <p class="scale" aria-hidden="true">
        <span>{low}</span>
        <span>{mid}</span>
        <span>{high}</span>
      </p>
    </figure>
  );
}

function shapeOf({ bids, asks, mid }: Ladder): { bids: string; asks: string } {
  const middle = Number(mid);
  const prices = [...bids, ...asks].map(({ price }) => Math.abs(Number(price) - middle));
  const reach = Math.max(...prices, Number.MIN_VALUE);
  if (!Number.isFinite(middle)) return { bids: "", asks: "" };
  const stairs = (levels: readonly Level[]) => {
    let path = "";
    let y = height;
    for (const { price, depth } of levels) {
      const x = width / 2 + ((Number(price) - middle) / reach) * (width / 2);
      path += `${path === "" ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
      y = height - depth * (height - 4);
      path += `V${y.toFixed(1)}`;
    }
    const end = levels === bids ? 0 : width;
    return path === "" ? "" : `${path}H${end}V${height}Z`;
  };
  return { bids: stairs(bids), asks: stairs(asks) };
}
