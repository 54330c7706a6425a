import type { Incident, Incidents, Mute } from "../../../domain/incidents/incident.ts";
import { duration, roughDuration } from "../../../text/amounts.ts";
import { fill, type Language, texts } from "../../../text/language.ts";
import { escapeHtml } from "../../api/html.ts";
import { figureOf, mark, nameOf } from "../../text/incident-phrases.ts";
import { type Ask, asOf, type BotCommand, type CommandAnswer, go, rows, type Sources, shortTime } from "../command.ts";
import { muteName } from "../mute-target.ts";

const phrases = texts({
  en: {
    alertsNone: "No open incidents.",
    alertsOpen: "{n} open",
    alertsClosed: "Recently ended",
    alertsMutes: "Muted",
    since: "since {time}",
    lasted: "{time}, {duration}",
    acknowledgedBy: "acknowledged by {by}",
    isMuted: "muted",
    acknowledge: "✓ Ack {n}",
    takeBack: "↩ Take back {n}",
    acknowledged: "Acknowledged.",
    takenBack: "Taken back: reminders go on.",
    notOpen: "This incident is already over.",
    mutedUntil: "{what}, until {time}",
  },
  ko: {
    alertsNone: "진행 중인 문제가 없습니다.",
    alertsOpen: "진행 중 {n}건",
    alertsClosed: "최근 해소",
    alertsMutes: "알림 끔",
    since: "{time}부터",
    lasted: "{time}, {duration}",
    acknowledgedBy: "{by} 확인함",
    isMuted: "알림 끔",
    acknowledge: "✓ 확인함 {n}",
    takeBack: "↩ 확인 취소 {n}",
    acknowledged: "확인했습니다.",
    takenBack: "확인을 취소했습니다. 다시 알립니다.",
    notOpen: "이미 해소된 문제입니다.",
    mutedUntil: "{what}, {time}까지",
  },
});

/** Upper bounds for open incidents with buttons, for listed open incidents and for listed ended incidents. */
const mostButtons = 4;
const mostOpen = 12;
const mostClosed = 5;

/** `/alerts` */
export const alertsCommand: BotCommand = {
  name: "alerts",
  about: { en: "open and recent incidents", ko: "진행 중인 문제와 최근 문제" },
  create: (sources) => (ask) => alerts(sources, ask),
};

/** `/ack ID`, also sent by the buttons of `/alerts`. */
export const ackCommand: BotCommand = {
  name: "ack",
  about: null,
  create: (sources) => (ask) => acknowledge(sources, ask, ask.who, "acknowledged"),
};

/** `/unack ID`, also sent by the buttons of `/alerts`. Takes an acknowledgement back. */
export const unackCommand: BotCommand = {
  name: "unack",
  about: null,
  create: (sources) => (ask) => acknowledge(sources, ask, null, "takenBack"),
};

function acknowledge(sources: Sources, ask: Ask, by: string | null, done: "acknowledged" | "takenBack"): CommandAnswer {
  const id = Number(ask.words[0]);
  const isDone = Number.isSafeInteger(id) && sources.incidents.acknowledge(id, by);
  const { html, buttons } = alerts(sources, ask);
  return { html: `${phrases[ask.language][isDone ? done : "notOpen"]}\n\n${html}`, buttons: buttons ?? [] };
}

function alerts({ incidents, nowUs }: Sources, ask: Ask): CommandAnswer {
  const { say, language } = ask;
  const open = incidents.open();
  const closed = incidents.page(20, null).items.filter(({ to_us }) => to_us !== null);
  const mutes = incidents.mutes();
  const shown = open.slice(0, mostOpen);
  const html = [
    open.length === 0
      ? `✅ <b>${phrases[language].alertsNone}</b>`
      : `<b>${fill(phrases[language].alertsOpen, { n: open.length })}</b>`,
    ...shown.map((incident, n) => openLine(incident, open.length > 1 ? `${n + 1}. ` : "", incidents, nowUs(), ask)),
    ...(open.length > shown.length ? [fill(say.andMore, { n: open.length - shown.length })] : []),
    ...(closed.length > 0 ? ["", `<b>${phrases[language].alertsClosed}</b>`] : []),
    ...closed.slice(0, mostClosed).map((incident) => closedLine(incident, ask)),
    ...(mutes.length > 0 ? ["", `<b>${phrases[language].alertsMutes}</b>`] : []),
    ...mutes.slice(0, mostClosed).map((mute) => `🔕 ${muteLine(mute, ask)}`),
    asOf(nowUs(), ask),
  ];
  const ofEach = open
    .filter((incident) => !incidents.isMuted(incident))
    .sort((a, b) => Number(a.acknowledged !== null) - Number(b.acknowledged !== null))
    .slice(0, mostButtons)
    .map((incident) => [
      ...acknowledgeButton(incident, open, language),
      ...go(say.mute1h, `mute #${incident.id} 1h`),
      ...go(say.mute8h, `mute #${incident.id} 8h`),
    ]);
  const below = [...go(`🔄 ${say.refresh}`, "alerts"), ...(mutes.length > 0 ? go(say.unmuteAll, "unmute all") : [])];
  return { html: html.join("\n"), buttons: rows(...ofEach, below) };
}

/** Creates the button that acknowledges an incident, or takes that back. Its number is that of the list. */
function acknowledgeButton({ id, acknowledged }: Incident, open: readonly Incident[], language: Language) {
  const n = open.length > 1 ? open.findIndex((incident) => incident.id === id) + 1 : "";
  const word = phrases[language][acknowledged === null ? "acknowledge" : "takeBack"];
  return go(fill(word, { n }).trim(), `${acknowledged === null ? "ack" : "unack"} ${id}`);
}

/** Formats a mute: `delay of BTCUSDT, until 11-24 15:04`. */
export function muteLine(mute: Mute, ask: Ask): string {
  return fill(phrases[ask.language].mutedUntil, {
    what: escapeHtml(muteName(mute, ask)),
    time: shortTime(mute.until_us, ask),
  });
}

function openLine(incident: Incident, number: string, incidents: Incidents, nowUs: number, ask: Ask): string {
  const { language } = ask;
  const { acknowledged, from_us } = incident;
  const figure = figureOf(incident, language);
  const more = [
    `${fill(phrases[language].since, { time: shortTime(from_us, ask) })} (${roughDuration(nowUs - from_us, language)})`,
    ...(figure === null ? [] : [figure]),
    ...(acknowledged === null ? [] : [fill(phrases[language].acknowledgedBy, { by: escapeHtml(acknowledged.by) })]),
    ...(incidents.isMuted(incident) ? [phrases[language].isMuted] : []),
  ];
  return `${mark(incident)} ${number}<b>${nameOf(incident, language)}</b>\n${more.join(", ")}`;
}

function closedLine(incident: Incident, ask: Ask): string {
  const { from_us, to_us } = incident;
  const lasted = duration((to_us ?? from_us) - from_us, ask.language);
  const when = fill(phrases[ask.language].lasted, { time: shortTime(from_us, ask), duration: lasted });
  return `${mark(incident)} ${nameOf(incident, ask.language)} (${when})`;
}
