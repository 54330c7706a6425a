import { useSignal } from "@preact/signals";
import type { ArchiveSummary } from "../../../../server/domain/queries.ts";
import { address, dayPath, follow } from "../../browser/route.ts";
import { bytes, coveragePercent, number } from "../../present/format.ts";
import { dateName, dateOf, shortDate } from "../../present/time.ts";
import { outcome, startVerify } from "../../state/verify.ts";
import { t } from "../../words/i18n.ts";
import { Menu } from "../frame/menu.tsx";
import { ratioOf } from "./archive-table.tsx";

/** One archive: its name and size, its completeness, and its buttons. */
export function FileRow({ item, isDated = false }: { item: ArchiveSummary; isDated?: boolean }) {
  const { stream, symbol, date } = item;
  const files = `api/archives/${stream}/${encodeURIComponent(symbol)}/${date}`;
  const said = outcome(item).value;
  return (
    <tr class="file" data-archive={keyOf(item)}>
      <td>
        <a href={dayPath(symbol, date, stream)} onClick={follow}>
          {symbol} {stream}
        </a>
        {isDated && <span class="soft"> {dateName(date)}</span>}
      </td>
      <td class="soft">{item.coverage === 1 ? t("levelWhole") : coveragePercent(item.coverage)}</td>
      <td class="o">
        <Checksum hex={item.sha256} />
      </td>
      <td class="r o" data-label="rows">
        {number(item.rows)}
      </td>
      <td class="r nowrap">{bytes(item.compressed_bytes)}</td>
      <td class="r o soft">{number(ratioOf(item), 1)} ×</td>
      <td class="o state">
        {said?.kind === "said" ? (
          <span class={said.good ? "outcome ok" : "outcome wrong"} role="status">
            {said.text}
          </span>
        ) : item.verified_us === null ? (
          <span class="soft">{t("notVerified")}</span>
        ) : (
          <span class="soft">{t("verifiedAt", { date: shortDate(dateOf(item.verified_us)) })}</span>
        )}
      </td>
      <td class="r file-actions">
        <Verify item={item} />
        <a class="btn plain" href={address(`${files}/manifest`)} download>
          {t("manifest")}
        </a>
        <a class="btn plain" href={address(`${files}/file`)} download>
          {t("file")}
        </a>
        <div class="narrow-only">
          <Menu label="⋯" name={t("fileMenu", { name: `${symbol} ${stream}` })} look="btn plain">
            <Verify item={item} />
            <a class="btn" href={address(`${files}/manifest`)} download>
              {t("manifest")}
            </a>
            <a class="btn" href={address(`${files}/file`)} download>
              {t("file")}
            </a>
          </Menu>
        </div>
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
      class="link soft"
      title={hex}
      aria-label={copied.value ? t("copied") : `${t("copy")} ${hex.slice(0, 6)}…${hex.slice(-4)}`}
      onClick={async () => {
        await navigator.clipboard?.writeText(hex).catch(() => {});
        copied.value = true;
        setTimeout(() => {
          copied.value = false;
        }, 1500);
      }}
    >
      <code>{copied.value ? t("copied") : `${hex.slice(0, 6)}…${hex.slice(-4)}`}</code>
    </button>
  );
}

function Verify({ item }: { item: ArchiveSummary }) {
  const shown = outcome(item).value;
  const isRunning = shown?.kind === "running";
  return (
    <button type="button" class="btn plain" disabled={isRunning} onClick={() => void startVerify(item)}>
      {isRunning ? t("verifying", { percent: `${Math.floor(shown.progress * 100)}%` }) : t("verify")}
    </button>
  );
}

export function keyOf({ stream, symbol, date }: ArchiveSummary): string {
  return `${stream}/${symbol}/${date}`;
}
