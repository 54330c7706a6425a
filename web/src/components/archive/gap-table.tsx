import type { Gap } from "../../../../server/domain/gap.ts";
import { dayPath, follow } from "../../browser/route.ts";
import { causeWord } from "../../present/causes.ts";
import { duration, number } from "../../present/format.ts";
import { bothZones, dateOf, dateTime, zoneName } from "../../present/time.ts";
import { t } from "../../words/i18n.ts";

type Shown = Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired"> &
  Partial<Pick<Gap, "stream" | "symbol">>;

/** Gaps as a table; with stream and symbol where they say so. */
export function GapTable({ gaps }: { gaps: readonly Shown[] }) {
  const isNamed = gaps[0]?.symbol !== undefined;
  return (
    <table class="list gaps">
      <thead>
        <tr>
          <th scope="col">
            {t("began")} ({zoneName()})
          </th>
          {isNamed && <th scope="col">{t("symbol")}</th>}
          {isNamed && <th scope="col">{t("stream")}</th>}
          <th scope="col">{t("cause")}</th>
          <th scope="col" class="figure">
            {t("lasted")}
          </th>
          <th scope="col" class="figure">
            {t("missing")}
          </th>
        </tr>
      </thead>
      <tbody>
        {gaps.map((gap) => (
          <tr key={`${gap.stream} ${gap.symbol} ${gap.from_us}`} data-cause={gap.cause}>
            <td data-label={t("began")} title={bothZones(gap.from_us)}>
              {dateTime(gap.from_us)}
            </td>
            {gap.symbol !== undefined && (
              <td data-label={t("symbol")}>
                <a href={dayPath(gap.symbol, dateOf(gap.from_us), gap.stream ?? null)} onClick={follow}>
                  {gap.symbol}
                </a>
              </td>
            )}
            {gap.stream !== undefined && <td data-label={t("stream")}>{gap.stream}</td>}
            <td data-label={t("cause")}>{causeWord(gap.cause)}</td>
            <td data-label={t("lasted")} class="figure">
              {length((gap.to_us - gap.from_us) / 1e6)}
            </td>
            <td data-label={t("missing")} class="figure">
              {absent(gap)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function length(seconds: number): string {
  return seconds < 10 ? `${number(seconds, 2)} s` : duration(seconds);
}

function absent({ missing, repaired }: Shown): string {
  if (missing === null) return t("missingUnknown");
  return repaired === 0 ? number(missing) : t("repairedOf", { repaired: number(repaired), missing: number(missing) });
}
