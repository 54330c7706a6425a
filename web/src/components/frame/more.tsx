import type { Pages } from "../../api/paged-list.ts";
import { t } from "../../words/i18n.ts";

/** The button that reads the next page of a list, as long as there is one. */
export function More({ pages }: { pages: Pick<Pages<unknown>, "hasMore" | "more"> }) {
  if (!pages.hasMore.value) return null;
  return (
    <p class="more-rows">
      <button type="button" class="btn" onClick={pages.more}>
        {t("showMore")}
      </button>
    </p>
  );
}
