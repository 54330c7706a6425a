import { useSignal } from "@preact/signals";
import type { ArchiveSummary } from "../../../../server/domain/queries.ts";
import { address, dayPath, follow } from "../../browser/route.ts";
import { coverageLevel } from "../../present/coverage-level.ts";
import { bytes, coveragePercent, number } from "../../present/format.ts";
import { dateName } from "../../present/time.ts";
import { outcome, startVerify } from "../../state/verify.ts";
import { t } from "../../words/i18n.ts";

/** Archived days with what can be done with each. */
export function ArchiveTable({ items }: { items: readonly ArchiveSummary[] }) {
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">{t("date")}</th>
          <th scope="col">{t("symbol")}</th>
          <th scope="col">{t("stream")}</th>
          <th scope="col" class="figure">
            {t("coverage")}
          </th>
          <th scope="col" class="figure">
            {t("gapsTitle")}
          </th>
          <th scope="col" class="figure">
            {t("rows")}
          </th>
          <th scope="col" class="figure">
            {t("size")}
          </th>
          <th scope="col" class="figure">
            {t("ratio")}
          </th>
          <th scope="col">{t("checksum")}</th>
          <th scope="col">{t("files")}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <Row key={keyOf(item)} item={item} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ item }: { item: ArchiveSummary }) {
  const { stream, symbol, date } = item;
  const files = `api/archives/${stream}/${encodeURIComponent(symbol)}/${date}`;
  return (
    <tr data-archive={keyOf(item)}>
      <td data-label={t("date")}>{dateName(date)}</td>
      <td data-label={t("symbol")}>
        <a href={dayPath(symbol, date, stream)} onClick={follow}>
          {symbol}
        </a>
      </td>
      <td data-label={t("stream")}>{stream}</td>
      <td data-label={t("coverage")} class="figure">
        <i class={`cell ${coverageLevel(item.coverage)}`} aria-hidden="true" /> {coveragePercent(item.coverage)}
      </td>
      <td data-label={t("gapsTitle")} class="figure">
        {number(item.gaps)}
      </td>
      <td data-label={t("rows")} class="figure">
        {number(item.rows)}
      </td>
      <td data-label={t("size")} class="figure">
        {bytes(item.compressed_bytes)}
      </td>
      <td data-label={t("ratio")} class="figure">
        {number(item.compressed_bytes > 0 ? item.raw_bytes / item.compressed_bytes : 0, 1)} ×
      </td>
      <td data-label={t("checksum")}>
        <Checksum hex={item.sha256} />
      </td>
      <td class="actions">
        <a class="button" href={address(`${files}/file`)} download>
          {t("download")}
        </a>
        <a class="button" href={address(`${files}/manifest`)} download>
          {t("manifest")}
        </a>
        <Verify item={item} />
      </td>
    </tr>
  );
}

/** The first digits; all of them in the title and on the clipboard. */
function Checksum({ hex }: { hex: string }) {
  const copied = useSignal(false);
  return (
    <button
      type="button"
      class="plain mono"
      title={hex}
      aria-label={copied.value ? t("copied") : `${t("copy")} ${hex.slice(0, 8)}`}
      onClick={async () => {
        await navigator.clipboard?.writeText(hex).catch(() => {});
        copied.value = true;
        setTimeout(() => {
          copied.value = false;
        }, 1500);
      }}
    >
      {copied.value ? t("copied") : `${hex.slice(0, 8)}…`}
    </button>
  );
}

function Verify({ item }: { item: ArchiveSummary }) {
  const shown = outcome(item).value;
  return (
    <>
      <button type="button" class="button" disabled={shown?.kind === "running"} onClick={() => void startVerify(item)}>
        {shown?.kind === "running" ? t("verifying", { percent: `${Math.floor(shown.progress * 100)}%` }) : t("verify")}
      </button>
      {shown?.kind === "running" && <progress max={1} value={shown.progress} aria-label={t("verify")} />}
      {shown?.kind === "said" && (
        <p class={shown.good ? "outcome good" : "outcome bad"} role="status">
          {shown.text}
        </p>
      )}
    </>
  );
}

function keyOf({ stream, symbol, date }: ArchiveSummary): string {
  return `${stream}/${symbol}/${date}`;
}
