import { awaitsBackfill, type Gap } from "../../domain/gap.ts";
import type { MissingIds } from "../../domain/ids/id-order.ts";
import { countIds, type IdRange, idsOutside } from "../../domain/ids/id-ranges.ts";
import { isContiguous, type StreamKind } from "../../domain/stream-kinds.ts";
import type { IdReport } from "../../storage/ids/id-check.ts";
import { type DayIds, overlapsOf } from "./day-overlap.ts";
import type { Problem } from "./verify-archive.ts";

/** Lists problems that the ids of a day prove and no recorded gap explains. `all`: the ids of all days, in order. */
export function idProblems(
  { holes, setbacks, doubled }: IdReport,
  gaps: readonly Gap[],
  all: readonly IdRange[],
): readonly Problem[] {
  const problems: Problem[] = [...missingProblems(missingOf(holes, gaps, all), "are missing")];
  const unexplained = setbacks.filter((setback) => !isExplained(setback, gaps, () => true));
  const [setback] = unexplained;
  if (setback !== undefined) {
    const detail = `${unexplained.length} rows have an id that is not above the previous id, first ${setback.id} after ${setback.before}`;
    problems.push({ kind: "id_order", detail });
  }
  if (doubled > 0) problems.push({ kind: "id_order", detail: `${doubled} backfilled rows had already been recorded` });
  return problems;
}

/**
 * Lists ids that are missing between the last row before `endUs`, the end of a day, and the next row: they may belong to the day of either
 * row, so neither day is complete. `holes`: the missing ids of which the row before is of an earlier day than the row after.
 */
export function midnightProblems(
  endUs: number,
  holes: readonly MissingIds[],
  gaps: readonly Gap[],
  all: readonly IdRange[],
): readonly Problem[] {
  const across = holes.filter(({ fromUs, toUs }) => fromUs < endUs && toUs >= endUs);
  return missingProblems(missingOf(across, gaps, all), "are missing before the next recorded day");
}

/** Returns the missing ids that neither a gap nor another day explains: a wrong clock may have put some of them into another day. */
function missingOf(holes: readonly MissingIds[], gaps: readonly Gap[], all: readonly IdRange[]): readonly IdRange[] {
  return holes
    .filter((hole) => !isExplained(hole, gaps, (gap) => awaitsBackfill(gap) || gap.cause === "halted"))
    .flatMap(({ fromId, toId }) => idsOutside({ first: fromId, last: toId }, all));
}

function missingProblems(missing: readonly IdRange[], verb: string): readonly Problem[] {
  const [first] = missing;
  if (first === undefined) return [];
  const ids = `${first.first} to ${first.last}`;
  return [{ kind: "id_missing", detail: `${countIds(missing)} ids ${verb} and no gap explains it, first ${ids}` }];
}

function isExplained(
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
  gaps: readonly Gap[],
  explains: (gap: Gap) => boolean,
): boolean {
  return gaps.some((gap) => gap.from_us <= toUs && gap.to_us >= fromUs && explains(gap));
}

/** Lists ids of a day that an earlier day contains as well. The problem is reported for the later day only. */
export function overlapProblems(
  date: string,
  ids: readonly DayIds[],
  gaps: readonly Gap[],
  kind: StreamKind,
): readonly Problem[] {
  const day = ids.find((ofDay) => ofDay.date === date);
  if (day === undefined || day.runs.length === 0) return [];
  const isExact = isContiguous(kind);
  // The ids of books cannot be compared one by one. A recorded clock error explains overlapping ranges.
  if (!isExact && gaps.some(({ cause }) => cause === "clock")) return [];
  const earlier = ids.filter((ofDay) => ofDay.date < date);
  return overlapsOf(day, earlier, isExact).map((overlap) => ({
    kind: "id_doubled",
    detail:
      overlap.count === null
        ? `its ids begin at ${overlap.firstId}, within the ids of ${overlap.date}: either day was recorded with a wrong clock`
        : `${overlap.count} ids are on ${overlap.date} as well, first ${overlap.firstId}: either day was recorded with a wrong clock`,
  }));
}
