import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { SeriesName, SeriesView } from "../../../../server/domain/queries.ts";
import { api, ask, patience } from "../../api/api.ts";
import { useResource } from "../../api/resource.ts";
import { isWide } from "../../browser/width.ts";
import { hasPrices, pricesOf } from "../../state/prices.ts";
import { symbolNames } from "../../state/state.ts";
import type { Words } from "../../words/common-en.ts";
import { t } from "../../words/i18n.ts";
import { Chart, type ChartData } from "../charts/chart.tsx";

/** Figures with the factor for the unit in their title. */
const figures: readonly (readonly [SeriesName, keyof Words, scale: number])[] = [
  ["messages_per_s", "messagesRate", 1],
  ["delay_p50_ms", "delayMedian", 1],
  ["cpu_cores", "cpuRecorder", 100],
];

/** The charts are read again after this time, ms. */
const everyMs = 10_000;

/** The last hour in charts, for screens that have the room; others do not even read it. */
export function HourCharts() {
  return isWide.value ? <Charts /> : null;
}

function Charts() {
  const hour = useResource("hour", everyMs, () => ask(api.api.series.get({ query: {}, ...patience() })));
  const symbols = hasPrices.value ? symbolNames.value.slice(0, 3) : [];
  return (
    <div class="hour">
      {symbols.map((symbol) => (
        <PriceChart key={symbol} symbol={symbol} />
      ))}
      {figures.map(([name, word, scale]) => (
        <FigureChart key={name} hour={hour.value} name={name} title={t(word)} scale={scale} />
      ))}
    </div>
  );
}

function PriceChart({ symbol }: { symbol: string }) {
  const data = useComputed<ChartData>(() => {
    const { fromMinute, values } = pricesOf(symbol).value ?? { fromMinute: 0, values: [] };
    return { times: values.map((_, n) => (fromMinute + n) * 60), values };
  });
  return <Panel title={t("midOf", { symbol })} data={data} isStepped shortest={600} />;
}

type FigureProps = {
  hour: ReadonlySignal<SeriesView | null>;
  name: SeriesName;
  title: string;
  scale: number;
};

function FigureChart({ hour, name, title, scale }: FigureProps) {
  const data = useComputed<ChartData>(() => {
    const { from_us, step_s, values } = hour.value ?? { from_us: 0, step_s: 1, values: null };
    const list = (values?.[name] ?? []).map((value) => (value === null ? null : value * scale));
    return { times: list.map((_, n) => from_us / 1e6 + n * step_s), values: list };
  });
  return <Panel title={title} data={data} fromZero />;
}

type PanelProps = {
  title: string;
  data: ReadonlySignal<ChartData>;
  shortest?: number;
  isStepped?: boolean;
  fromZero?: boolean;
};

function Panel({ title, ...chart }: PanelProps) {
  return (
    <section class="panel">
      <header>
        <h2>{title}</h2>
      </header>
      <div class="in">
        <Chart name={title} height={190} {...chart} />
      </div>
    </section>
  );
}
