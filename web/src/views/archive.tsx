import { useSignal } from "@preact/signals";
import { api, ask, patience } from "../api/api.ts";
import { usePages } from "../api/paged-list.ts";
import { ArchiveTable } from "../components/archive/archive-table.tsx";
import { StreamChoice } from "../components/book/stream-choice.tsx";
import { Trouble } from "../components/incidents/trouble.tsx";
import { t } from "../words/i18n.ts";

const pageSize = "100";

/** Archived days: what they are, and the files. */
export function ArchiveView() {
  const stream = useSignal("");
  const symbol = useSignal("");
  const date = useSignal("");
  const query = {
    ...(stream.value === "" ? {} : { stream: stream.value }),
    ...(symbol.value === "" ? {} : { symbol: symbol.value }),
    ...(date.value === "" ? {} : { date: date.value }),
  };
  const pages = usePages(JSON.stringify(query), (after) =>
    ask(
      api.api.archives.get({
        query: { ...query, limit: pageSize, ...(after === null ? {} : { after }) },
        ...patience(),
      }),
    ),
  );
  const items = pages.items.value;
  const isFiltered = Object.keys(query).length > 0;
  return (
    <section class="panel archives" aria-labelledby="archive-title">
      <header>
        <h1 id="archive-title">{t("archiveTitle")}</h1>
        <div class="tools">
          <input
            type="search"
            placeholder={t("symbol")}
            aria-label={t("symbol")}
            autocomplete="off"
            onChange={(event) => {
              symbol.value = event.currentTarget.value.trim().toUpperCase();
            }}
          />
          <StreamChoice value={stream} />
          <input
            type="date"
            aria-label={t("date")}
            onChange={(event) => {
              date.value = event.currentTarget.value;
            }}
          />
        </div>
        <p class="quiet">{t("archiveHint")}</p>
      </header>
      <Trouble trouble={pages.trouble} hasValue={items.length > 0} />
      {pages.trouble.value === null && items.length === 0 && (
        <p class="empty">
          {t(isFiltered ? "noArchivesMatch" : "noArchives")} {isFiltered ? "" : t("noArchivesHint")}
        </p>
      )}
      {items.length > 0 && <ArchiveTable items={items} />}
      {pages.hasMore.value && (
        <button type="button" class="more" onClick={pages.more}>
          {t("showMore")}
        </button>
      )}
    </section>
  );
}
