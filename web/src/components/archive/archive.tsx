import { useComputed } from "@preact/signals";
import type { ArchiveDate, ArchiveDates } from "../../../../server/domain/queries.ts";
import type { Status } from "../../../../server/domain/status.ts";
import { dayName } from "../../../../server/text/dates.ts";
import { address, follow } from "../../browser/route.ts";
import { isPhone } from "../../browser/width.ts";
import { bytes, number } from "../../present/format.ts";
import { reasonOf } from "../../present/reason.ts";
import { longDate } from "../../present/time.ts";
import { archiveDays } from "../../state/past.ts";
import { status } from "../../state/state.ts";
import { language, t } from "../../words/i18n.ts";
import { FigureRow } from "../status/figure-row.tsx";
import { PageLink } from "../status/page-link.tsx";
import { filesText } from "./archive-table.tsx";

/** Days beside the newest that a wide screen has room for. */
const extra = 3;

/** Files of past days, and the work on them. */
export function Archive() {
  const { items, total } = archiveDays.value ?? { items: [], total: null };
  const [newest, ...others] = items;
  return (
    <section class="panel quiet-panel" aria-labelledby="archive-title">
      <header>
        <h2 id="archive-title">{t("archive")}</h2>
        <span class="end">
          <PageLink page="archive" text={t("open")} />
        </span>
      </header>
      <ul class="rows">
        {newest === undefined ? <li>{total === null ? "" : t("noArchives")}</li> : <DayRow day={newest} />}
        {total !== null && total.days > 0 && (
          <li data-count="days">
            <span>{t("allDays")}</span>
            <span>{allText(total)}</span>
          </li>
        )}
        <FigureRow label={t("waiting")} read={waitingText} name="waiting" />
        <FigureRow
          label={t("sealed")}
          read={({ archive }) => number(archive.segments_sealed)}
          name="segments_sealed"
          isExtra
        />
        {others.slice(0, extra).map((day) => (
          <DayRow key={day.date} day={day} isExtra />
        ))}
        <Failure />
      </ul>
    </section>
  );
}

/** A day with archives: whether its files were read again, how many they are, and their size. */
function DayRow({ day, isExtra = false }: { day: ArchiveDate; isExtra?: boolean }) {
  const isVerified = day.verified === day.files;
  return (
    <li class={isExtra ? "x" : ""}>
      <a class="grow" href={address("archive")} onClick={follow}>
        {isPhone.value ? dayName(day.date, language.value) : longDate(day.date)}
      </a>
      <span>
        {isVerified && <span class="ok">{t("verifiedShort")}</span>}
        {`${isVerified ? " · " : ""}${filesText(day.files)} · ${bytes(day.compressed_bytes)}`}
      </span>
    </li>
  );
}

function allText(total: ArchiveDates["total"]): string {
  const days = t(total.days === 1 ? "dayOne" : "daysCount", { n: number(total.days) });
  return `${days} · ${filesText(total.files)} · ${bytes(total.compressed_bytes)}`;
}

function waitingText({ archive }: Status): string {
  const { segments_waiting, days_waiting } = archive;
  if (segments_waiting + days_waiting === 0) return t("nothingWaiting");
  return [
    ...(segments_waiting > 0 ? [t("waitingSegments", { n: number(segments_waiting) })] : []),
    ...(days_waiting > 0 ? [t("waitingDays", { n: number(days_waiting) })] : []),
  ].join(", ");
}

function Failure() {
  const failures = useComputed(() => status.value?.archive.failures ?? 0);
  const last = useComputed(() => status.value?.archive.last_failure ?? "");
  if (failures.value === 0) return null;
  const reason = reasonOf(last.value);
  return (
    <li class="tie" data-state="waiting">
      <span class="lamp" aria-hidden="true" />
      <span class="grow">{t("failures")}</span>
      <span>{number(failures.value)}</span>
      <span class="error" lang={reason.lang}>
        {reason.text}
      </span>
    </li>
  );
}
