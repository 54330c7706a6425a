import { useComputed } from "@preact/signals";
import type { ArchiveStatus } from "../../../../server/domain/status.ts";
import { bytes, number } from "../../present/format.ts";
import { status } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";
import { Value } from "../status/value.tsx";

type Count = "segments_sealed" | "segments_waiting" | "days_merged" | "days_waiting";

/** What the workers have done and have before them. */
export function Archive() {
  return (
    <section class="panel" aria-labelledby="archive-title">
      <h2 id="archive-title">{t("archive")}</h2>
      <dl class="counts">
        <Figure name="segments_sealed" label={t("sealed")} />
        <Figure name="segments_waiting" label={t("waiting")} />
        <Figure name="days_merged" label={t("merged")} />
        <Figure name="days_waiting" label={t("daysWaiting")} />
      </dl>
      <LastArchive />
      <LastFailure />
    </section>
  );
}

function Figure({ name, label }: { name: Count; label: string }) {
  return (
    <div data-count={name}>
      <dt>{label}</dt>
      <dd>
        <Value read={(s) => number(s.archive[name])} />
      </dd>
    </div>
  );
}

function LastArchive() {
  const last = useComputed(() => status.value?.archive.last_archive ?? null);
  const known = useComputed(() => last.value !== null);
  const name = useComputed(() =>
    last.value === null ? "" : `${last.value.symbol} ${last.value.stream} ${last.value.date}`,
  );
  const detail = useComputed(() => (last.value === null ? "" : describe(last.value)));
  if (!known.value) return <p class="quiet">{t("noArchive")}</p>;
  return (
    <p class="last">
      <span class="label">{t("lastArchive")}</span>
      <span class="what">{name}</span>
      <span class="quiet">{detail}</span>
    </p>
  );
}

function LastFailure() {
  const failure = useComputed(() => status.value?.archive.last_failure ?? null);
  const failures = useComputed(() => status.value?.archive.failures ?? 0);
  if (failure.value === null) return null;
  return (
    <p class="last failed">
      <span class="label">
        {t("lastFailure")} ({t("failures")}: {number(failures.value)})
      </span>
      <span lang="en">{failure}</span>
    </p>
  );
}

function describe(last: NonNullable<ArchiveStatus["last_archive"]>): string {
  return t("lastArchiveDetail", {
    rows: number(last.rows),
    raw: bytes(last.raw_bytes),
    compressed: bytes(last.compressed_bytes),
    ratio: number(last.compressed_bytes > 0 ? last.raw_bytes / last.compressed_bytes : 0, 1),
  });
}
