import type { KnownGap } from "../../../../server/domain/queries.ts";
import { dayPath, follow } from "../../browser/route.ts";
import { causeWord } from "../../present/causes.ts";
import { gapLength } from "../../present/format.ts";
import { type GapGroup, groupGaps, lossOf } from "../../present/gap-groups.ts";
import { bothZones, dateOf, dayClock } from "../../present/time.ts";
import { latestGaps } from "../../state/past.ts";
import { t } from "../../words/i18n.ts";
import { PageLink } from "../status/page-link.tsx";

/** Rows that fit beside the other panels, and on a wide screen. */
const most = 8;

/** The newest gaps, one row a cause: when, why, and how much is missing. */
export function LatestGaps() {
  const gaps = latestGaps.value;
  const groups = groupGaps(gaps ?? []).slice(0, most);
  return (
    <section class="panel quiet-panel" aria-labelledby="latest-gaps-title">
      <header>
        <h2 id="latest-gaps-title">{t("latestGaps")}</h2>
        <span class="end">
          <PageLink page="history" text={t("allGaps")} />
        </span>
      </header>
      {gaps?.length === 0 ? (
        <p class="empty">{t("noGapsYet")}</p>
      ) : (
        <ul class="rows">
          {groups.map((group, n) => (
            <Row key={group.fromUs} group={group} isExtra={n >= 3} />
          ))}
          {gaps === null && <li />}
        </ul>
      )}
    </section>
  );
}

function Row({ group, isExtra }: { group: GapGroup; isExtra: boolean }) {
  const { fromUs, toUs, cause, gaps } = group;
  const [first] = gaps as readonly [KnownGap];
  return (
    <li class={isExtra ? "gap x" : "gap"}>
      <time title={bothZones(fromUs)}>{dayClock(fromUs)}</time>
      <a class="grow cause" href={dayPath(first.symbol, dateOf(fromUs), first.stream)} onClick={follow}>
        {causeWord(cause)}
      </a>
      <span>{[gapLength((toUs - fromUs) / 1e6), lossOf(group)].filter((part) => part !== "").join(" · ")}</span>
    </li>
  );
}
