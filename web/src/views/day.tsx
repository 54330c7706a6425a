import { useSignal } from "@preact/signals";
import { pagePath } from "../../../server/domain/pages.ts";
import type { ArchiveSummary, DayDetail } from "../../../server/domain/queries.ts";
import { type Answer, api, ask, patience } from "../api/api.ts";
import { useResource } from "../api/resource.ts";
import { address, bookPath, dayPath, follow, go } from "../browser/route.ts";
import { DayBooks } from "../components/coverage/book-proof.tsx";
import { DayGaps } from "../components/coverage/day-gaps.tsx";
import { DayStrips } from "../components/coverage/day-strips.tsx";
import { HourCells } from "../components/coverage/hour-cells.tsx";
import { Menu } from "../components/frame/menu.tsx";
import { Trouble } from "../components/incidents/trouble.tsx";
import { bytes, duration, number } from "../present/format.ts";
import { folderOf } from "../present/streams.ts";
import { addDays, dateName, dateOf, exactClock, longDate, shortDate } from "../present/time.ts";
import { symbolSignal } from "../state/state.ts";
import { t } from "../words/i18n.ts";

const renewMs = 20_000;

/** One symbol's day, minute by minute, in UTC; local time stands beside it and never replaces it. */
export function DayView({ symbol, date, stream }: { symbol: string; date: string; stream: string | null }) {
  const recorded = symbolSignal(symbol)?.value.streams.map((one) => folderOf(one.stream)) ?? [];
  const usual = recorded.length > 0 ? recorded : ["depth20", "aggTrade"];
  const streams = [...new Set([...usual, ...(stream === null ? [] : [stream])])];
  const days = useResource(`${symbol} ${date} ${streams.join()}`, renewMs, () => readAll(symbol, date, streams));
  const files = useResource(`files ${symbol} ${date}`, renewMs, () =>
    ask(api.api.archives.get({ query: { symbol, date, limit: "20" }, ...patience() })),
  );
  const minute = useSignal<number | null>(null);
  const list = days.value.value ?? [];
  const today = dateOf(Date.now() * 1000);
  return (
    <>
      <nav class="crumbs" aria-label={t("dayOf")}>
        <a class="soft" href={address(pagePath("coverage"))} onClick={follow}>
          ← {t("coverage")}
        </a>
        <h1>
          {symbol}, <span class="wide-only inline">{longDate(date)}</span>
          <span class="narrow-only inline">{shortDate(date)}</span>
        </h1>
        <div class="end">
          <button type="button" class="btn" onClick={() => go(dayPath(symbol, addDays(date, -1), stream))}>
            ‹ {shortDate(addDays(date, -1))}
          </button>
          <button
            type="button"
            class="btn"
            disabled={date >= today}
            onClick={() => go(dayPath(symbol, addDays(date, 1), stream))}
          >
            {shortDate(addDays(date, 1))} ›
          </button>
          <a class="btn" href={bookPath(symbol)} onClick={follow}>
            {t("orderBook")}
          </a>
          <Downloads files={files.value.value?.items ?? []} />
        </div>
      </nav>
      {days.trouble.value === "no_day" && list.length === 0 ? (
        <div class="notice" role="status">
          <strong>{t("unknownDay", { symbol, date: dateName(date) })}</strong>
          <span>{t("unknownDayHint")}</span>
        </div>
      ) : (
        <Trouble trouble={days.trouble} hasValue={list.length > 0} />
      )}
      {list.length > 0 && (
        <>
          <section class="panel" aria-labelledby="strips-title">
            <header>
              <h2 id="strips-title">{sentenceOf(list)}</h2>
              <span class="end wide-only">{sourceOf(list, files.value.value?.items ?? [])}</span>
            </header>
            <DayStrips days={list} date={date} minute={minute} />
            <DayBooks days={list} />
          </section>
          <HourCells days={list} date={date} minute={minute} />
          <DayGaps days={list} />
        </>
      )}
    </>
  );
}

/** Names the missing time of each stream, and the first record if it was on this day. */
function sentenceOf(days: readonly DayDetail[]): string {
  const missing = days.filter(({ missing_s }) => missing_s > 0);
  const whole = days.filter(({ missing_s, coverage }) => missing_s === 0 && coverage !== null);
  const begun = days.flatMap(({ spans, first_us }) =>
    spans[0]?.[2] === "before" && first_us !== null ? [first_us] : [],
  );
  const since = begun.length === 0 ? [] : [t("recordedFrom", { time: `${exactClock(Math.min(...begun), "utc")} UTC` })];
  if (missing.length === 0) return [whole.length > 0 ? t("dayComplete") : t("dayUnknown"), ...since].join(" ");
  const parts = missing.map(({ stream, missing_s }) => t("missingOf", { stream, time: duration(missing_s) }));
  const rest = whole.length === 0 ? [] : [t("wholeOf", { streams: whole.map(({ stream }) => stream).join(", ") })];
  return [...parts, ...rest, ...since].join(" ");
}

function sourceOf(days: readonly DayDetail[], files: readonly ArchiveSummary[]): string {
  const rows = days.reduce((sum, day) => sum + day.rows_per_minute.reduce((all, count) => all + count, 0), 0);
  const isVerified = files.length > 0 && files.every(({ verified_us }) => verified_us !== null);
  const source = days.every((day) => day.source === "manifest")
    ? t(isVerified ? "fromManifestVerified" : "fromManifest")
    : t("stillRunning");
  return `${t("rowsCount", { n: number(rows) })} · ${source}`;
}

function Downloads({ files }: { files: readonly ArchiveSummary[] }) {
  if (files.length === 0) return null;
  return (
    <Menu label={`${t("download")} ▾`} look="btn main">
      {files.map(({ stream, symbol, date, compressed_bytes }) => (
        <a
          key={stream}
          class="btn"
          href={address(`api/archives/${stream}/${encodeURIComponent(symbol)}/${date}/file`)}
          download
        >
          {stream}, {bytes(compressed_bytes)}
        </a>
      ))}
    </Menu>
  );
}

/** The streams that are known of the day; the answer is an error only if all are unknown. */
async function readAll(symbol: string, date: string, streams: readonly string[]): Promise<Answer<DayDetail[]>> {
  const route = api.api.coverage;
  const answers = await Promise.all(
    streams.map((stream) => ask(route({ stream })({ symbol: encodeURIComponent(symbol) })({ date }).get(patience()))),
  );
  const known = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
  const failed = answers.find((answer) => !answer.ok);
  return known.length > 0 || failed === undefined ? { ok: true, value: known } : failed;
}
