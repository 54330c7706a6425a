import { awaitsBackfill, type Gap } from "../../domain/gap.ts";
import { isContiguous, type StreamKind } from "../../domain/stream-kinds.ts";
import type { IdReport } from "../../storage/ids/id-check.ts";
import type { IdRange } from "../../storage/ids/id-ranges.ts";
import { absentEverywhere, countOf, type DayIds, overlapsOf } from "./day-overlap.ts";
import type { Problem } from "./verify-archive.ts";

/** What the ids of a day prove and no recorded gap accounts for. `all` are the ids of all days, in order. */
export function idProblems(
  { holes, setbacks, doubled }: IdReport,
  gaps: readonly Gap[],
  all: readonly IdRange[],
): readonly Problem[] {
  const problems: Problem[] = [];
  const known = (fromUs: number, toUs: number, counts: (gap: Gap) => boolean) =>
    gaps.some((gap) => gap.from_us <= toUs && gap.to_us >= fromUs && counts(gap));
  // A wrong clock has filed some elsewhere.
  const missing = holes
    .filter(({ fromUs, toUs }) => !known(fromUs, toUs, (gap) => awaitsBackfill(gap) || gap.cause === "halted"))
    .flatMap(({ firstId, lastId }) => absentEverywhere({ first: firstId, last: lastId }, all));
  const back = setbacks.filter(({ fromUs, toUs }) => !known(fromUs, toUs, () => true));
  const [hole, setback] = [missing[0], back[0]];
  if (hole !== undefined) {
    const ids = `${hole.first} to ${hole.last}`;
    problems.push({
      kind: "id_missing",
      detail: `${countOf(missing)} ids are missing and no gap says why, first ${ids}`,
    });
  }
  if (setback !== undefined) {
    const detail = `${back.length} rows have an id that is not above the one before, first ${setback.id} after ${setback.before}`;
    problems.push({ kind: "id_order", detail });
  }
  if (doubled > 0) problems.push({ kind: "id_order", detail: `${doubled} refetched rows were there already` });
  return problems;
}

/** Ids of a day that another day has as well. Told on the later one of both. */
export function overlapProblems(
  date: string,
  ids: readonly DayIds[],
  gaps: readonly Gap[],
  kind: StreamKind,
): readonly Problem[] {
  const day = ids.find((one) => one.date === date);
  if (day === undefined || day.runs.length === 0) return [];
  const isExact = isContiguous(kind);
  // Books have no ids that could be compared one by one: a wrong clock that is known of explains ranges that overlap.
  if (!isExact && gaps.some(({ cause }) => cause === "clock")) return [];
  const earlier = ids.filter((one) => one.date < date);
  return overlapsOf(day, earlier, isExact).map((overlap) => ({
    kind: "id_doubled",
    detail:
      overlap.count === null
        ? `its ids begin at ${overlap.firstId}, among those of ${overlap.date}: one of the two was recorded by a wrong clock`
        : `${overlap.count} ids are on ${overlap.date} as well, first ${overlap.firstId}: one of the two was recorded by a wrong clock`,
  }));
}
