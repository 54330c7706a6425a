import type { Incident, Incidents, Mute } from "../../../domain/incident.ts";
import { duration, roughDuration } from "../../../text/amounts.ts";
import { escapeHtml } from "../../api/html.ts";
import { figureOf, mark, titleOf } from "../../text/incident-phrases.ts";
import { muteName } from "../mute-target.ts";
import {
  type Ask,
  asOf,
  type BotCommand,
  type CommandAnswer,
  fill,
  go,
  rows,
  type Sources,
  shortTime,
} from "./command.ts";

/** Open incidents with buttons of their own, open ones shown, and those that are over. */
const mostButtons = 4;
const mostOpen = 12;
const mostClosed = 5;

/** `/alerts` */
export function alertsCommand(sources: Sources): BotCommand {
  return { name: "alerts", run: (ask) => alerts(sources, ask) };
}

/** `/ack ID`, which the buttons of `/alerts` say. */
export function ackCommand(sources: Sources): BotCommand {
  return {
    name: "ack",
    run(ask) {
      const id = Number(ask.words[0]);
      const isDone = Number.isSafeInteger(id) && sources.incidents.acknowledge(id, ask.who);
      const { html, buttons } = alerts(sources, ask);
      return { html: `${isDone ? ask.say.acknowledged : ask.say.notOpen}\n\n${html}`, buttons: buttons ?? [] };
    },
  };
}

function alerts({ incidents, nowUs }: Sources, ask: Ask): CommandAnswer {
  const { say } = ask;
  const open = incidents.open();
  const closed = incidents.page(20, null).items.filter(({ to_us }) => to_us !== null);
  const mutes = incidents.mutes();
  const shown = open.slice(0, mostOpen);
  const html = [
    open.length === 0 ? `✅ <b>${say.alertsNone}</b>` : `<b>${fill(say.alertsOpen, { n: open.length })}</b>`,
    ...shown.map((incident, n) => openLine(incident, open.length > 1 ? `${n + 1}. ` : "", incidents, nowUs(), ask)),
    ...(open.length > shown.length ? [fill(say.andMore, { n: open.length - shown.length })] : []),
    ...(closed.length > 0 ? ["", `<b>${say.alertsClosed}</b>`] : []),
    ...closed.slice(0, mostClosed).map((incident) => closedLine(incident, ask)),
    ...(mutes.length > 0 ? ["", `<b>${say.alertsMutes}</b>`] : []),
    ...mutes.slice(0, mostClosed).map((mute) => `🔕 ${muteLine(mute, ask)}`),
    asOf(nowUs(), ask),
  ];
  const ofEach = open
    .filter((incident) => incident.acknowledged === null && !incidents.isMuted(incident))
    .slice(0, mostButtons)
    .map((incident) => [
      ...go(
        fill(say.acknowledge, { n: open.length > 1 ? open.indexOf(incident) + 1 : "" }).trim(),
        `ack ${incident.id}`,
      ),
      ...go(say.mute1h, `mute #${incident.id} 1h`),
      ...go(say.mute8h, `mute #${incident.id} 8h`),
    ]);
  const below = [...go(`🔄 ${say.refresh}`, "alerts"), ...(mutes.length > 0 ? go(say.unmuteAll, "unmute all") : [])];
  return { html: html.join("\n"), buttons: rows(...ofEach, below) };
}

/** `delay of BTCUSDT, until 11-24 15:04` */
export function muteLine(mute: Mute, ask: Ask): string {
  return fill(ask.say.mutedUntil, { what: escapeHtml(muteName(mute, ask)), time: shortTime(mute.until_us, ask) });
}

function openLine(incident: Incident, number: string, incidents: Incidents, nowUs: number, ask: Ask): string {
  const { say, language } = ask;
  const { acknowledged, from_us } = incident;
  const figure = figureOf(incident, language);
  const more = [
    `${fill(say.since, { time: shortTime(from_us, ask) })} (${roughDuration(nowUs - from_us, language)})`,
    ...(figure === null ? [] : [figure]),
    ...(acknowledged === null ? [] : [fill(say.acknowledgedBy, { by: escapeHtml(acknowledged.by) })]),
    ...(incidents.isMuted(incident) ? [say.isMuted] : []),
  ];
  return `${mark(incident)} ${number}<b>${titleOf(incident, language)}</b>\n${more.join(", ")}`;
}

function closedLine(incident: Incident, ask: Ask): string {
  const { from_us, to_us } = incident;
  const lasted = duration((to_us ?? from_us) - from_us, ask.language);
  const when = fill(ask.say.lasted, { time: shortTime(from_us, ask), duration: lasted });
  return `${mark(incident)} ${titleOf(incident, ask.language)} (${when})`;
}
