import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { isWide } from "../browser/width.ts";
import { Archive } from "../components/archive/archive.tsx";
import { LatestGaps } from "../components/archive/latest-gaps.tsx";
import { InSteps } from "../components/frame/in-steps.tsx";
import { Connections } from "../components/status/connections.tsx";
import { AsOf, Hero } from "../components/status/hero.tsx";
import { HourCharts } from "../components/status/hour-charts.tsx";
import { MachineLine } from "../components/status/machine-line.tsx";
import { density } from "../components/symbols/symbol-order.ts";
import { allDrawn, SymbolTable } from "../components/symbols/symbol-table.tsx";
import { month } from "../state/month.ts";
import { usePast } from "../state/past.ts";
import { link, status } from "../state/state.ts";
import { today } from "../state/today.ts";

/** Longest time to wait for all parts, ms. */
const patienceMs = 700;

/** Everything at a glance. Parts appear from the top to the bottom: late parts would move the parts below them. */
export function Overview() {
  usePast();
  const isLate = useSignal(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      isLate.value = true;
    }, patienceMs);
    return () => clearTimeout(timer);
  }, []);
  const isKnown = useComputed(() => status.value !== null && today.value !== null && month.value !== null);
  const isLost = useComputed(() => link.value === "lost");
  if (!isKnown.value && !isLost.value && !isLate.value) return null;
  return (
    <div class="ov">
      <InSteps parts={first} />
      {(allDrawn.value || (isWide.value && density.value === "dense")) && <InSteps parts={rest} />}
    </div>
  );
}

const first = [Hero, AsOf, SymbolTable];

/** What is below the symbols, and on a wide screen beside them. */
const rest = [HourCharts, Three, MachineLine];

function Three() {
  return (
    <div class="three">
      <InSteps parts={[LatestGaps, Connections, Archive]} />
    </div>
  );
}
