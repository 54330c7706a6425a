import { useComputed } from "@preact/signals";
import type { Mute } from "../../../../server/domain/incidents/incident.ts";
import { ruleWords } from "../../../../server/text/rules/rule-words.ts";
import { api, ask, patience } from "../../api/api.ts";
import { usePages } from "../../api/paged-list.ts";
import { useResource } from "../../api/resource.ts";
import { duration, number } from "../../present/format.ts";
import { bothZones, dateTime, zoneName } from "../../present/time.ts";
import { byWhom, doings, endMute, lostOf, momentOf, openIncidents, subjectsOf, titleOf } from "../../state/alerts.ts";
import { language, t } from "../../words/i18n.ts";
import { More } from "../frame/more.tsx";
import { ActionTrouble } from "./incident-card.tsx";
import { MaintenanceChoice } from "./maintenance.tsx";
import { Trouble } from "./trouble.tsx";

/** Every past incident with its length and cost, and the mutes in force. */
export function IncidentList() {
  const key = useComputed(() =>
    openIncidents.value.map(({ id, acknowledged }) => `${id}${acknowledged?.at_us}`).join(),
  );
  const pages = usePages(key.value, (after) =>
    ask(api.api.alerts.get({ query: { limit: "30", ...(after === null ? {} : { after }) }, ...patience() })),
  );
  const items = pages.items.value;
  return (
    <section class="panel" aria-labelledby="incidents-title">
      <header>
        <h2 id="incidents-title">{t("incidents")}</h2>
        <span class="end">
          <MaintenanceChoice />
        </span>
      </header>
      <ActionTrouble />
      <Mutes />
      <Trouble trouble={pages.trouble} hasValue={items.length > 0} />
      {pages.trouble.value === null && items.length === 0 && <p class="empty">{t("noIncidents")}</p>}
      {items.length > 0 && (
        <table class="tbl incident-table">
          <thead>
            <tr>
              <th scope="col">{t("beganIn", { zone: zoneName() })}</th>
              <th scope="col">{t("incident")}</th>
              <th scope="col" class="r">
                {t("lasted")}
              </th>
              <th scope="col" class="r">
                {t("lostColumn")}
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((one) => (
              <tr key={one.id} data-incident={one.rule} data-severity={one.severity}>
                <td title={bothZones(one.from_us)}>{dateTime(one.from_us)}</td>
                <td>
                  <span class="lamp" aria-hidden="true" /> <strong>{titleOf(one)}</strong>{" "}
                  <span class="severity">{t(`severity_${one.severity}`)}</span>
                  {one.subjects.length > 0 && <span class="soft"> {subjectsOf(one)}</span>}
                  {one.flaps > 0 && <span class="soft"> · {t("alertFlaps", { n: number(one.flaps) })}</span>}
                </td>
                <td class="r">{one.to_us === null ? t("stillOpen") : duration((one.to_us - one.from_us) / 1e6)}</td>
                <td class="r">{lostOf(one) ?? (one.records_lost === 0 ? t("lostNone") : "–")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <More pages={pages} />
    </section>
  );
}

/** Mutes in force. A maintenance is shown above. */
function Mutes() {
  const mutes = useResource(`mutes ${doings.value}`, 10_000, () => ask(api.api.mutes.get(patience())));
  const items = mutes.value.value?.items.filter(({ kind }) => kind === "mute") ?? [];
  if (items.length === 0) return null;
  return (
    <div class="mutes">
      <h3>{t("mutesTitle")}</h3>
      <ul>
        {items.map((mute) => (
          <li key={mute.id}>
            <strong>{nameOf(mute)}</strong>
            <span class="soft" title={bothZones(mute.until_us)}>
              {t("muteUntil", { time: momentOf(mute.until_us).text, zone: zoneName(), by: byWhom(mute.by) })}
            </span>
            <button type="button" class="btn" onClick={() => void endMute(mute.id)}>
              {t("endMute")}
              <span class="unseen"> {nameOf(mute)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function nameOf({ rule, symbol }: Pick<Mute, "rule" | "symbol">): string {
  const what = rule === null ? null : ruleWords(rule, language.value).title;
  return [what, symbol].filter((part) => part !== null).join(", ") || t("muteAll");
}
