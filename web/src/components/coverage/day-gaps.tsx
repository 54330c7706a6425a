import type { DayDetail } from "../../../../server/domain/queries.ts";
import { causeWord } from "../../present/causes.ts";
import { gapLength, number } from "../../present/format.ts";
import { isBookStream, isRefetched } from "../../present/streams.ts";
import { clock, exactClock, zoneName } from "../../present/time.ts";
import { t } from "../../words/i18n.ts";

type DayGap = DayDetail["gaps"][number];

/** The gaps of a day, to the millisecond. */
export function DayGaps({ days }: { days: readonly DayDetail[] }) {
  const gaps = days.flatMap(({ stream, gaps: list }) => list.map((gap) => ({ stream, gap })));
  const local = zoneName("local");
  return (
    <section class="panel" aria-labelledby="day-gaps-title">
      <header>
        <h2 id="day-gaps-title">{t("gapsTitle")}</h2>
      </header>
      {gaps.length === 0 ? (
        <p class="empty">{t("noGaps")}</p>
      ) : (
        <table class="tbl gaps">
          <thead>
            <tr>
              <th scope="col">{t("stream")}</th>
              <th scope="col">{t("fromIn", { zone: "UTC" })}</th>
              <th scope="col" class="o">
                {t("toIn", { zone: "UTC" })}
              </th>
              {local !== "UTC" && (
                <th scope="col" class="o">
                  {t("fromIn", { zone: local })}
                </th>
              )}
              <th scope="col" class="r">
                {t("lasted")}
              </th>
              <th scope="col">{t("cause")}</th>
              <th scope="col" class="r o">
                {t("recordsColumn")}
              </th>
              <th scope="col" class="o">
                {t("whatWasDone")}
              </th>
            </tr>
          </thead>
          <tbody>
            {gaps.map(({ stream, gap }) => (
              <tr key={`${stream} ${gap.from_us}`} data-cause={gap.cause}>
                <td>{stream}</td>
                <td>{exactClock(gap.from_us, "utc")}</td>
                <td class="o">{exactClock(gap.to_us, "utc")}</td>
                {local !== "UTC" && <td class="o soft">{clock(gap.from_us, "local")}</td>}
                <td class="r nowrap">{gapLength((gap.to_us - gap.from_us) / 1e6)}</td>
                <td>
                  <span class="cause">{causeWord(gap.cause)}</span>
                </td>
                <td class="r o">{gap.missing === null ? "–" : number(gap.missing)}</td>
                <td class="o">
                  <Done stream={stream} gap={gap} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Done({ stream, gap }: { stream: string; gap: DayGap }) {
  const { cause, missing, repaired } = gap;
  if (cause === "halted") return <span class="soft">{t("nothingWasSent")}</span>;
  if (isBookStream(stream)) return <span class="attn">{t("booksLost")}</span>;
  if (isRefetched(gap)) return <span class="ok">{t("allRefetched")}</span>;
  if (repaired === 0) return <span class="attn">{t("notRefetched")}</span>;
  if (missing === null) return <span class="attn">{t("someRefetched", { n: number(repaired) })}</span>;
  return <span class="attn">{t("repairedOf", { repaired: number(repaired), missing: number(missing) })}</span>;
}
