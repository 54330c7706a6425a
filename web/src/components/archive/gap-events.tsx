import { api, ask, patience } from "../../api/api.ts";
import { usePages } from "../../api/paged-list.ts";
import { dayPath, follow } from "../../browser/route.ts";
import { causeWord } from "../../present/causes.ts";
import { gapLength, number } from "../../present/format.ts";
import { type GapGroup, groupGaps, lossOf, symbolsOf } from "../../present/gap-groups.ts";
import { addDays, bothZones, clock, dateOf, day, zoneName } from "../../present/time.ts";
import { t } from "../../words/i18n.ts";
import { More } from "../frame/more.tsx";
import { Trouble } from "../incidents/trouble.tsx";

/** Symbols that are named; more are counted. */
const named = 4;

/** The gaps of some days, a row an event: when, which symbols, why, how much, and what could be fetched again. */
export function GapEvents({ from, to }: { from: string; to: string }) {
  const query = { from: `${from}T00:00:00Z`, to: `${addDays(to, 1)}T00:00:00Z`, limit: "200" };
  const pages = usePages(`${from} ${to}`, (after) =>
    ask(api.api.gaps.get({ query: { ...query, ...(after === null ? {} : { after }) }, ...patience() })),
  );
  const groups = groupGaps(pages.items.value);
  return (
    <section class="panel" aria-labelledby="gap-events-title">
      <header>
        <h2 id="gap-events-title">{t("gapsTitle")}</h2>
        <span class="end">
          {groups.length > 0 && t(groups.length === 1 ? "eventOne" : "eventsCount", { n: number(groups.length) })}
        </span>
      </header>
      <Trouble trouble={pages.trouble} hasValue={groups.length > 0} />
      {pages.trouble.value === null && groups.length === 0 && <p class="empty">{t("noGaps")}</p>}
      {groups.length > 0 && <GapEventTable groups={groups} />}
      <More pages={pages} />
    </section>
  );
}

/** Events that cost records, as a table. */
export function GapEventTable({ groups }: { groups: readonly GapGroup[] }) {
  return (
    <table class="tbl gaps">
      <thead>
        <tr>
          <th scope="col">{t("beganIn", { zone: zoneName() })}</th>
          <th scope="col">{t("symbols")}</th>
          <th scope="col">{t("cause")}</th>
          <th scope="col" class="r">
            {t("missingColumn")}
          </th>
          <th scope="col" class="r o">
            {t("recordsColumn")}
          </th>
          <th scope="col" class="o">
            {t("whatWasDone")}
          </th>
        </tr>
      </thead>
      <tbody>
        {groups.map((group) => (
          <Row key={`${group.fromUs} ${group.cause}`} group={group} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ group }: { group: GapGroup }) {
  const symbols = symbolsOf(group);
  const first = group.gaps[0];
  const shown = symbols.slice(0, named).join(", ");
  const names = symbols.length > named ? t("more", { symbols: shown, n: symbols.length - named }) : shown;
  return (
    <tr data-cause={group.cause}>
      <td>
        <time title={bothZones(group.fromUs)}>{`${day(group.fromUs)} ${clock(group.fromUs)}`}</time>
      </td>
      <td>
        {first === undefined ? (
          names
        ) : (
          <a href={dayPath(first.symbol, dateOf(first.from_us), first.stream)} onClick={follow}>
            {names}
          </a>
        )}
      </td>
      <td>
        <span class="cause">{causeWord(group.cause)}</span>
      </td>
      <td class="r nowrap">{gapLength((group.toUs - group.fromUs) / 1e6)}</td>
      <td class="r o">{recordsOf(group)}</td>
      <td class="o soft">{lossOf(group)}</td>
    </tr>
  );
}

/** Records that ids prove to be absent, after what was fetched again. Books have no such ids. */
function recordsOf({ gaps }: GapGroup): string {
  const missing = gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0);
  const repaired = gaps.reduce((sum, gap) => sum + gap.repaired, 0);
  if (missing === 0) return "–";
  return repaired === 0 ? number(missing) : t("repairedOf", { repaired: number(repaired), missing: number(missing) });
}
