import { useEffect } from "preact/hooks";
import type { RecorderEvent } from "../../../../server/domain/queries.ts";
import { api, ask, patience } from "../../api/api.ts";
import { usePages } from "../../api/paged-list.ts";
import { number } from "../../present/format.ts";
import { reasonOf } from "../../present/reason.ts";
import { bothZones, dayClock } from "../../present/time.ts";
import type { Words } from "../../words/common-en.ts";
import { t } from "../../words/i18n.ts";
import { More } from "../frame/more.tsx";
import { Trouble } from "../incidents/trouble.tsx";
import type { View } from "./multi-chart.tsx";

const eventWords: Readonly<Record<string, keyof Words>> = {
  start: "eventStart",
  stop: "eventStop",
  repair: "eventRepair",
  reconnect: "eventReconnect",
  rollover: "eventRollover",
  rebuild: "eventRebuild",
  verified: "eventVerified",
  verify_failed: "eventVerifyFailed",
};

/** Events of the recorder in a time span, newest first. */
export function Happened({ view, onKnown }: { view: View; onKnown: () => void }) {
  const pages = usePages<RecorderEvent>("events", (after) =>
    ask(api.api.events.get({ query: { limit: "200", ...(after === null ? {} : { after }) }, ...patience() })),
  );
  const all = pages.items.value;
  const isKnown = pages.trouble.value !== "loading";
  useEffect(() => {
    if (isKnown) onKnown();
  }, [isKnown]);
  const items = all.filter(({ at_us }) => at_us >= view.from * 1e6 && at_us <= view.to * 1e6);
  const isMoreNeeded = pages.hasMore.value && (all.at(-1)?.at_us ?? 0) > view.from * 1e6;
  return (
    <section class="panel" aria-labelledby="events-title">
      <header>
        <h2 id="events-title">{t("events")}</h2>
        <span class="end">{items.length > 0 && t("eventsInView", { n: number(items.length) })}</span>
      </header>
      <Trouble trouble={pages.trouble} hasValue={all.length > 0} />
      {pages.trouble.value === null && items.length === 0 && <p class="empty">{t("noEvents")}</p>}
      <ol class="rows evs">
        {items.map((event, n) => {
          const detail = event.detail === null ? null : reasonOf(event.detail);
          return (
            <li key={`${event.at_us} ${n}`} data-kind={event.kind}>
              <time title={bothZones(event.at_us)}>{dayClock(event.at_us)}</time>
              <span>{t(eventWords[event.kind] ?? "events")}</span>
              <span class="grow" lang={detail?.lang}>
                {detail?.text ?? ""}
              </span>
            </li>
          );
        })}
      </ol>
      {isMoreNeeded && <More pages={pages} />}
    </section>
  );
}
