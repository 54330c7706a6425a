import { batch } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ask, patience } from "../api/api.ts";
import { hour } from "../present/hour.ts";
import { receiveToday } from "./today.ts";

/** How often the overview reads what is behind its small charts and bars, ms: a step of theirs. */
const everyMs = 10_000;

/** Keeps `hour` and `today` fresh while a view that shows them is there and looked at. */
export function usePast(): void {
  useEffect(() => {
    void renew();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void renew();
    }, everyMs);
    return () => clearInterval(timer);
  }, []);
}

async function renew(): Promise<void> {
  const [series, day] = await Promise.all([
    ask(api.api.series.get({ query: {}, ...patience() })),
    ask(api.api.coverage.today.get(patience())),
  ]);
  batch(() => {
    if (series.ok) hour.value = series.value;
    if (day.ok) receiveToday(day.value);
  });
}
