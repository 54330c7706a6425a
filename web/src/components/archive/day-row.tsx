import { useSignal } from "@preact/signals";
import type { ArchiveDate } from "../../../../server/domain/queries.ts";
import { dayName } from "../../../../server/text/dates.ts";
import { api, ask, patience } from "../../api/api.ts";
import { useResource } from "../../api/resource.ts";
import { address } from "../../browser/route.ts";
import { isPhone } from "../../browser/width.ts";
import { bytes, coarse, coveragePercent, duration, number } from "../../present/format.ts";
import { levelOf } from "../../present/levels.ts";
import { dateOf, longDate, shortDate } from "../../present/time.ts";
import { status } from "../../state/state.ts";
import { language, t } from "../../words/i18n.ts";
import { Menu } from "../frame/menu.tsx";
import { filesText, ratioOf } from "./archive-table.tsx";
import { FileRow, keyOf } from "./file-row.tsx";

const renewMs = 60_000;

/** The running day: it is archived after it has ended. */
export function TodayRow() {
  const streams = status.value?.symbols.reduce((sum, symbol) => sum + symbol.streams.length, 0) ?? 0;
  const date = dateOf(Date.now() * 1000);
  return (
    <tr class="day">
      <td class="nowrap">
        <span class="chev" />
        {t("todayWriting", { date: shortDate(date) })}
      </td>
      <td />
      <td class="o soft">{t("beingWritten", { n: number(streams) })}</td>
      <td class="o" />
      <td />
      <td class="o" />
      <td class="o soft">{t("todayArchived")}</td>
      <td />
    </tr>
  );
}

/** An archived day; a press shows its files. */
export function DayRow({ day }: { day: ArchiveDate }) {
  const open = useSignal(false);
  const { date, files, rows, compressed_bytes, missing_s } = day;
  return (
    <>
      <tr class="day" data-day={date}>
        <td>
          <button
            type="button"
            class="opener"
            aria-expanded={open.value}
            onClick={() => {
              open.value = !open.value;
            }}
          >
            <span class="chev" aria-hidden="true">
              {open.value ? "▾" : "▸"}
            </span>
            {isPhone.value ? dayName(date, language.value) : longDate(date)}
          </button>
        </td>
        <td>
          <span class="covered">
            <i class="bar" data-l={levelOf(missing_s, 86_400, false)} aria-hidden="true" />
            <Covered day={day} />
          </span>
        </td>
        <td class="o soft">{filesText(files)}</td>
        <td class="r o">{number(rows)}</td>
        <td class="r nowrap">{bytes(compressed_bytes)}</td>
        <td class="r o soft">{number(ratioOf(day), 1)} ×</td>
        <td class="o">
          <Verified day={day} />
        </td>
        <td class="r">
          <Menu label={isPhone.value ? "⤓" : `${t("download")} ▾`} name={t("download")} look="btn plain">
            <a class="btn" href={address(`api/archives/days/${date}/tar`)} download>
              {t("downloadDay", { size: bytes(compressed_bytes) })}
            </a>
            <button type="button" class="btn" onClick={() => void copyCommand(date)}>
              {t("copyCommand")}
            </button>
          </Menu>
        </td>
      </tr>
      {open.value && <Files date={date} />}
    </>
  );
}

function Covered({ day: { coverage, missing_s } }: { day: ArchiveDate }) {
  if (missing_s === 0) return <>{coveragePercent(coverage)}</>;
  const text = t("missingTime", { time: duration(missing_s) });
  if (!isPhone.value) return <>{text}</>;
  return (
    <>
      <span aria-hidden="true">{`−${coarse(missing_s)}`}</span>
      <span class="unseen">{text}</span>
    </>
  );
}

function Verified({ day: { files, verified } }: { day: ArchiveDate }) {
  if (verified === 0) return <span class="soft">{t("notVerified")}</span>;
  if (verified === files) return <span class="ok">✓ {t("verifiedShort")}</span>;
  return <span class="soft">{t("verifiedPart", { n: number(verified), all: number(files) })}</span>;
}

function Files({ date }: { date: string }) {
  const files = useResource(`files ${date}`, renewMs, () =>
    ask(api.api.archives.get({ query: { date, limit: "1000" }, ...patience() })),
  );
  const items = files.value.value?.items;
  if (items === undefined) {
    return (
      <tr class="file">
        <td colSpan={8} class="soft">
          {files.trouble.value === "loading" ? t("loading") : t("failed")}
        </td>
      </tr>
    );
  }
  return (
    <>
      {items.map((item) => (
        <FileRow key={keyOf(item)} item={item} />
      ))}
    </>
  );
}

async function copyCommand(date: string): Promise<void> {
  await navigator.clipboard?.writeText(`curl -OJ ${address(`api/archives/days/${date}/tar`)}`).catch(() => {});
}
