import type { UnprovableReason } from "../../../../server/domain/book/book-proof.ts";
import type { DayDetail } from "../../../../server/domain/queries.ts";
import { number } from "../../present/format.ts";
import { t } from "../../words/i18n.ts";

/** What the recorded books proved about a day's diffs; shown only if the day has been compared. */
export function DayBooks({ days }: { days: readonly DayDetail[] }) {
  const book = days.find((day) => day.book !== undefined)?.book;
  if (book === undefined) return null;
  const { proved, compared_levels, differences, unprovable } = book;
  const reason = unprovable === null ? null : t(reasons[unprovable]);
  const values = { n: number(proved), levels: number(compared_levels), differences: number(differences) };
  const said =
    differences > 0
      ? t("booksDiffer", values)
      : proved > 0
        ? t("booksEqual", values)
        : t("booksUnproved", { reason: reason ?? "–" });
  return (
    <p class={differences > 0 ? "notice bad" : "notice"} role="status">
      {said}
      {proved > 0 && reason !== null && ` ${t("booksInPart", { reason })}`}
    </p>
  );
}

const reasons = {
  no_rest_book: "noRestBook",
  no_witness: "noWitness",
  missing_ids: "someIdsMissing",
  unreadable: "fileUnreadable",
} as const satisfies Record<UnprovableReason, string>;
