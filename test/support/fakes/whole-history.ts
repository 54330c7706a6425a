import type { CoverageTable, History } from "../../../server/domain/queries.ts";
import { fakeHistory } from "./fake-history.ts";

/** A history without any gap, today and before. */
export function wholeHistory(symbolCount: number): History {
  const history = fakeHistory(symbolCount);
  return {
    ...history,
    gaps: () => ({ items: [], next: null }),
    async coverage(filter) {
      const { dates, rows } = await history.coverage(filter);
      return { dates, rows: rows.map((row) => ({ ...row, ...wholeRow(row) })) };
    },
    async today() {
      const { date, days } = await history.today();
      const until = days[0]?.spans.find(([, , state]) => state === "ahead")?.[0] ?? 1440;
      const spans = [[0, until, "recorded"] as const, ...(until < 1440 ? [[until, 1440, "ahead"] as const] : [])];
      return { date, gaps: 0, days: days.map((day) => ({ ...day, coverage: 1, missing_s: 0, spans })) };
    },
  };
}

function wholeRow({ coverage, missing_s }: CoverageTable["rows"][number]) {
  return { coverage: coverage.map((share) => share && 1), missing_s: missing_s.map((seconds) => seconds && 0) };
}
