import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { gapCauses } from "../../../server/domain/gap.ts";
import { pageNames } from "../../../server/text/page-names.ts";
import { api, ask, patience } from "../api/api.ts";
import { useResource } from "../api/resource.ts";
import { GapEventTable } from "../components/archive/gap-events.tsx";
import { Happened } from "../components/history/happened.tsx";
import { MultiChart, type View } from "../components/history/multi-chart.tsx";
import { IncidentList } from "../components/incidents/incident-list.tsx";
import { Trouble } from "../components/incidents/trouble.tsx";
import { causeWord } from "../present/causes.ts";
import { groupGaps } from "../present/gap-groups.ts";
import { dayClock, zoneName } from "../present/time.ts";
import { language, t } from "../words/i18n.ts";

const spans = { hour: 3600, day: 86_400, week: 7 * 86_400 } as const;
type Span = keyof typeof spans;

/** The figures over time under one crosshair, and what happened meanwhile. */
export function HistoryView() {
  const span = useSignal<Span>("day");
  /** Views to go back to; the last is shown. Empty: the newest `span`. */
  const zoomed = useSignal<readonly View[]>([]);
  const cause = useSignal("");
  /** Lists appear one after the other, so that they do not move each other. */
  const isSettled = useSignal(false);
  const source = span.value === "hour" && zoomed.value.length === 0 ? "hour" : "week";
  const series = useResource(source, source === "hour" ? 10_000 : 60_000, () =>
    ask(api.api.series.get({ query: { span: source }, ...patience() })),
  );
  const shown = series.value.value;
  const now =
    shown === null ? Date.now() / 1000 : shown.from_us / 1e6 + shown.values.messages_per_s.length * shown.step_s;
  const view = zoomed.value.at(-1) ?? { from: now - spans[span.value], to: now };
  const gaps = useResource(
    `gaps ${Math.round(view.from / 60)} ${Math.round(view.to / 60)} ${cause.value}`,
    60_000,
    () =>
      ask(
        api.api.gaps.get({
          query: {
            from: new Date(view.from * 1000).toISOString(),
            to: new Date(view.to * 1000).toISOString(),
            limit: "500",
            ...(cause.value === "" ? {} : { cause: cause.value as (typeof gapCauses)[number] }),
          },
          ...patience(),
        }),
      ),
  );
  const groups = groupGaps(gaps.value.value?.items ?? []);
  const back = () => {
    zoomed.value = zoomed.value.slice(0, -1);
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") back();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <div class="crumbs">
        <h1 id="history-title">{pageNames.history[language.value]}</h1>
        <span class="soft wide-only">{t("zoomHint")}</span>
        <div class="end">
          <fieldset class="seg" aria-label={t("span")}>
            {(["hour", "day", "week"] as const).map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={span.value === one && zoomed.value.length === 0}
                onClick={() => {
                  span.value = one;
                  zoomed.value = [];
                }}
              >
                {t(one)}
              </button>
            ))}
          </fieldset>
          <button
            type="button"
            class="btn"
            aria-label={t("earlier")}
            disabled={span.value === "week" && zoomed.value.length === 0}
            onClick={() => shift(-1)}
          >
            ‹
          </button>
          <button type="button" class="btn" aria-label={t("later")} disabled={view.to >= now} onClick={() => shift(1)}>
            ›
          </button>
          <button
            type="button"
            class="btn"
            disabled={zoomed.value.length === 0}
            onClick={() => {
              zoomed.value = [];
            }}
          >
            {t("nowButton")}
          </button>
        </div>
      </div>
      <section class="panel history-charts" aria-labelledby="history-title">
        <Trouble trouble={series.trouble} hasValue={shown !== null} />
        {shown !== null && (
          <MultiChart
            series={shown}
            view={view}
            gaps={groups}
            onZoom={(next) => {
              zoomed.value = [...zoomed.value, next];
            }}
            onBack={back}
          />
        )}
      </section>
      <section class="panel" aria-labelledby="gaps-title" hidden={shown === null}>
        <header>
          <h2 id="gaps-title">{t("gapsTitle")}</h2>
          <span class="soft">{`${dayClock(view.from * 1e6)} – ${dayClock(view.to * 1e6)} ${zoneName()}`}</span>
          <span class="end">
            <select
              aria-label={t("cause")}
              value={cause.value}
              onChange={(event) => {
                cause.value = event.currentTarget.value;
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
          </span>
        </header>
        <Trouble trouble={gaps.trouble} hasValue={groups.length > 0} />
        {gaps.trouble.value === null && groups.length === 0 && (
          <p class="empty">{t(cause.value === "" ? "noGaps" : "noGapsHere")}</p>
        )}
        {groups.length > 0 && <GapEventTable groups={groups} />}
      </section>
      {gaps.trouble.value !== "loading" && (
        <Happened
          view={view}
          onKnown={() => {
            isSettled.value = true;
          }}
        />
      )}
      {isSettled.value && <IncidentList />}
    </>
  );

  function shift(direction: number): void {
    const width = view.to - view.from;
    const to = Math.min(now, view.to + direction * width * 0.5);
    const least = now - spans.week;
    const from = Math.max(least, to - width);
    if (direction > 0 && to >= now) zoomed.value = [];
    else zoomed.value = [...zoomed.value.slice(0, -1), { from, to: from + width }];
  }
}
