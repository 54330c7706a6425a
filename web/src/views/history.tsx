import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { gapCauses } from "../../../server/domain/gap.ts";
import type { RecorderEvent, SeriesName, SeriesSpan, SeriesView } from "../../../server/domain/queries.ts";
import { pageNames } from "../../../server/text/page-names.ts";
import { api, ask, patience } from "../api/api.ts";
import { usePages } from "../api/paged-list.ts";
import { useResource } from "../api/resource.ts";
import { GapTable } from "../components/archive/gap-table.tsx";
import { StreamChoice } from "../components/book/stream-choice.tsx";
import { Chart } from "../components/charts/chart.tsx";
import { IncidentList } from "../components/incidents/incident-list.tsx";
import { Trouble } from "../components/incidents/trouble.tsx";
import { causeWord } from "../present/causes.ts";
import { reasonOf } from "../present/reason.ts";
import { bothZones, dateTime } from "../present/time.ts";
import type { Words } from "../words/common-en.ts";
import { language, t } from "../words/i18n.ts";

const charts: readonly (readonly [SeriesName, keyof Words, scale: number, decimals: number, from: "zero" | "least"])[] =
  [
    ["messages_per_s", "messageRate", 1, 0, "zero"],
    ["delay_p50_ms", "delayMedian", 1, 1, "zero"],
    ["gaps", "gapsTitle", 1, 0, "zero"],
    ["cpu_cores", "load", 1, 2, "zero"],
    ["memory_bytes", "memoryUsed", 1e-6, 0, "least"],
    ["network_bytes_per_s", "networkRate", 1e-3, 0, "zero"],
    ["disk_free_bytes", "diskFree", 1e-9, 2, "least"],
  ];

/** What was: the figures over time, what happened to the recorder, and every gap. */
export function HistoryView() {
  const span = useSignal<SeriesSpan>("hour");
  const series = useResource(span.value, span.value === "hour" ? 10_000 : 60_000, () =>
    ask(api.api.series.get({ query: { span: span.value }, ...patience() })),
  );
  return (
    <div class="history">
      <section class="panel" aria-labelledby="history-title">
        <header>
          <h1 id="history-title">{pageNames.history[language.value]}</h1>
          <fieldset class="languages" aria-label={t("span")}>
            {(["hour", "week"] as const).map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={span.value === one}
                onClick={() => {
                  span.value = one;
                }}
              >
                {t(one === "hour" ? "lastHour" : "lastWeek")}
              </button>
            ))}
          </fieldset>
        </header>
        <Trouble trouble={series.trouble} hasValue={series.value.value !== null} />
        <div class="charts">
          {charts.map(([name, word, scale, decimals, from]) => (
            <SeriesChart key={`${span.value} ${name}`} {...{ name, word, scale, decimals, from }} view={series.value} />
          ))}
        </div>
      </section>
      <IncidentList />
      <div class="lists">
        <Events />
        <Gaps />
      </div>
    </div>
  );
}

type SeriesProps = {
  name: SeriesName;
  word: keyof Words;
  scale: number;
  decimals: number;
  from: "zero" | "least";
  view: ReadonlySignal<SeriesView | null>;
};

function SeriesChart({ name, word, scale, from, view }: SeriesProps) {
  const data = useComputed(() => {
    const { from_us, step_s, values } = view.value ?? { from_us: 0, step_s: 1, values: null };
    const of = values?.[name] ?? [];
    return {
      times: of.map((_, n) => from_us / 1e6 + n * step_s),
      values: of.map((value) => (value === null ? null : value * scale)),
    };
  });
  return <Chart name={t(word)} data={data} height={150} fromZero={from === "zero"} />;
}

const eventWords: Readonly<Record<string, keyof Words>> = {
  start: "eventStart",
  stop: "eventStop",
  repair: "eventRepair",
  reconnect: "eventReconnect",
  rollover: "eventRollover",
  rebuild: "eventRebuild",
  verified: "eventVerified",
  verify_failed: "eventVerifyFailed",
};

function Events() {
  const pages = usePages<RecorderEvent>("events", (after) =>
    ask(api.api.events.get({ query: { limit: "30", ...(after === null ? {} : { after }) }, ...patience() })),
  );
  const items = pages.items.value;
  return (
    <section class="panel" aria-labelledby="events-title">
      <h2 id="events-title">{t("events")}</h2>
      <Trouble trouble={pages.trouble} hasValue={items.length > 0} />
      {pages.trouble.value === null && items.length === 0 && <p class="empty">{t("noEvents")}</p>}
      <ol class="events">
        {items.map((event, n) => (
          <li key={`${event.at_us} ${n}`} data-kind={event.kind}>
            <time title={bothZones(event.at_us)}>{dateTime(event.at_us)}</time>
            <strong>{eventWords[event.kind] === undefined ? event.kind : t(eventWords[event.kind] ?? "events")}</strong>
            {event.detail !== null && (
              <span class="quiet" lang={reasonOf(event.detail).lang}>
                {reasonOf(event.detail).text}
              </span>
            )}
          </li>
        ))}
      </ol>
      <More pages={pages} />
    </section>
  );
}

function Gaps() {
  const stream = useSignal("");
  const cause = useSignal("");
  const query = {
    ...(stream.value === "" ? {} : { stream: stream.value }),
    ...(cause.value === "" ? {} : { cause: cause.value }),
  };
  const pages = usePages(JSON.stringify(query), (after) =>
    ask(api.api.gaps.get({ query: { ...query, limit: "50", ...(after === null ? {} : { after }) }, ...patience() })),
  );
  const items = pages.items.value;
  return (
    <section class="panel" aria-labelledby="gaps-title">
      <header>
        <h2 id="gaps-title">{t("gapsTitle")}</h2>
        <div class="tools">
          <StreamChoice value={stream} />
          <CauseChoice value={cause} />
        </div>
      </header>
      <Trouble trouble={pages.trouble} hasValue={items.length > 0} />
      {pages.trouble.value === null && items.length === 0 && (
        <p class="empty">{t(Object.keys(query).length > 0 ? "noGapsHere" : "noGaps")}</p>
      )}
      {items.length > 0 && <GapTable gaps={items} />}
      <More pages={pages} />
    </section>
  );
}

function CauseChoice({ value }: { value: Signal<string> }) {
  return (
    <select
      aria-label={t("cause")}
      value={value}
      onChange={(event) => {
        value.value = event.currentTarget.value;
      }}
    >
      <option value="">
        {t("cause")}: {t("all")}
      </option>
      {gapCauses.map((one) => (
        <option key={one} value={one}>
          {causeWord(one)}
        </option>
      ))}
    </select>
  );
}

function More({ pages }: { pages: { hasMore: ReadonlySignal<boolean>; more(): void } }) {
  return pages.hasMore.value ? (
    <button type="button" class="more" onClick={pages.more}>
      {t("showMore")}
    </button>
  ) : null;
}
