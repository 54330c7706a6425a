import { batch, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ArchiveDates, KnownGap } from "../../../server/domain/queries.ts";
import { api, ask, patience } from "../api/api.ts";
import { addDays, dateOf } from "../present/time.ts";
import { receiveMonth, shownDays } from "./month.ts";
import { receivePrices } from "./prices.ts";
import { receiveToday } from "./today.ts";

/** How often the overview reads what its small charts and bars show, ms; the slow part every sixth time. */
const everyMs = 10_000;
const slowEvery = 6;

/** The newest gaps; null while they are not known. */
export const latestGaps = signal<readonly KnownGap[] | null>(null);

/** The newest days with archives, and the sum over all days; null while they are not known. */
export const archiveDays = signal<ArchiveDates | null>(null);

/** Reads the past at once and then again and again while a view that shows it is there and looked at. */
export function usePast(): void {
  useEffect(() => {
    let count = 0;
    const renew = () => void Promise.all([renewToday(), ...(count++ % slowEvery === 0 ? [renewSlow()] : [])]);
    renew();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") renew();
    }, everyMs);
    return () => clearInterval(timer);
  }, []);
}

async function renewToday(): Promise<void> {
  const day = await ask(api.api.coverage.today.get(patience()));
  if (day.ok) receiveToday(day.value);
}

/** The days come first: the first sentence and its proof wait for them. */
async function renewSlow(): Promise<void> {
  const to = dateOf(Date.now() * 1000);
  const table = await ask(api.api.coverage.get({ query: { from: addDays(to, 1 - shownDays), to }, ...patience() }));
  if (table.ok) receiveMonth(table.value);
  const [gaps, archives, mids] = await Promise.all([
    ask(api.api.gaps.get({ query: { limit: "24" }, ...patience() })),
    ask(api.api.archives.days.get({ query: { limit: "8" }, ...patience() })),
    ask(api.api.mids.get(patience())),
  ]);
  batch(() => {
    if (gaps.ok) latestGaps.value = gaps.value.items;
    if (archives.ok) archiveDays.value = archives.value;
    if (mids.ok) receivePrices(mids.value);
  });
}
