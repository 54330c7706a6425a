import { useSignal } from "@preact/signals";
import type { ArchiveDate, ArchiveDates } from "../../../server/domain/queries.ts";
import { api, ask, patience } from "../api/api.ts";
import { usePages } from "../api/paged-list.ts";
import { route } from "../browser/route.ts";
import { ArchiveTable, filesText } from "../components/archive/archive-table.tsx";
import { DayRow, TodayRow } from "../components/archive/day-row.tsx";
import { FileRow, keyOf } from "../components/archive/file-row.tsx";
import { StreamChoice } from "../components/book/stream-choice.tsx";
import { More } from "../components/frame/more.tsx";
import { Trouble } from "../components/incidents/trouble.tsx";
import { bytes, number } from "../present/format.ts";
import { t } from "../words/i18n.ts";

/** Archived days, each with its files, or the files that a filter selects. */
export function ArchiveView() {
  const stream = useSignal("");
  const symbol = useSignal(route.value.query.get("symbol") ?? "");
  const date = useSignal(route.value.query.get("date") ?? "");
  const total = useSignal<ArchiveDates["total"] | null>(null);
  const query = {
    ...(stream.value === "" ? {} : { stream: stream.value }),
    ...(symbol.value === "" ? {} : { symbol: symbol.value }),
    ...(date.value === "" ? {} : { date: date.value }),
  };
  const isFiltered = Object.keys(query).length > 0;
  return (
    <>
      <div class="crumbs">
        <h1>{t("archiveTitle")}</h1>
        <span class="soft wide-only">{total.value === null ? "" : sumText(total.value)}</span>
        <div class="end">
          <input
            type="search"
            placeholder={t("symbol")}
            aria-label={t("symbol")}
            value={symbol.value}
            autocomplete="off"
            spellcheck={false}
            onChange={(event) => {
              symbol.value = event.currentTarget.value.trim().toUpperCase();
            }}
          />
          <StreamChoice value={stream} />
          <input
            type="date"
            aria-label={t("date")}
            value={date.value}
            onChange={(event) => {
              date.value = event.currentTarget.value;
            }}
          />
        </div>
      </div>
      {isFiltered ? (
        <Selected key={JSON.stringify(query)} query={query} />
      ) : (
        <Days
          onTotal={(sum) => {
            total.value = sum;
          }}
        />
      )}
    </>
  );
}

function Days({ onTotal }: { onTotal: (total: ArchiveDates["total"]) => void }) {
  const pages = usePages<ArchiveDate>("days", async (after) => {
    const answer = await ask(
      api.api.archives.days.get({ query: { limit: "31", ...(after === null ? {} : { after }) }, ...patience() }),
    );
    if (answer.ok) onTotal(answer.value.total);
    return answer;
  });
  const items = pages.items.value;
  return (
    <section class="panel" aria-label={t("archiveTitle")}>
      <Trouble trouble={pages.trouble} hasValue={items.length > 0} />
      {pages.trouble.value === null && items.length === 0 && (
        <p class="empty">
          {t("noArchives")} {t("noArchivesHint")}
        </p>
      )}
      {items.length > 0 && (
        <ArchiveTable>
          <TodayRow />
          {items.map((day) => (
            <DayRow key={day.date} day={day} />
          ))}
        </ArchiveTable>
      )}
      <More pages={pages} />
    </section>
  );
}

function Selected({ query }: { query: { stream?: string; symbol?: string; date?: string } }) {
  const pages = usePages(JSON.stringify(query), (after) =>
    ask(
      api.api.archives.get({ query: { ...query, limit: "100", ...(after === null ? {} : { after }) }, ...patience() }),
    ),
  );
  const items = pages.items.value;
  return (
    <section class="panel" aria-label={t("archiveTitle")}>
      <Trouble trouble={pages.trouble} hasValue={items.length > 0} />
      {pages.trouble.value === null && items.length === 0 && <p class="empty">{t("noArchivesMatch")}</p>}
      {items.length > 0 && (
        <ArchiveTable>
          {items.map((item) => (
            <FileRow key={keyOf(item)} item={item} isDated />
          ))}
        </ArchiveTable>
      )}
      <More pages={pages} />
    </section>
  );
}

function sumText({ days, files, compressed_bytes }: ArchiveDates["total"]): string {
  return t("archiveSum", {
    days: t(days === 1 ? "dayOne" : "daysCount", { n: number(days) }),
    files: filesText(files),
    size: bytes(compressed_bytes),
  });
}
