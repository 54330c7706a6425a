import { computed } from "@preact/signals";
import type { OpenIncident } from "../../../server/domain/incidents/incident.ts";
import type { Status } from "../../../server/domain/status.ts";
import { bytes, duration, number, rate } from "../present/format.ts";
import { reasonOf } from "../present/reason.ts";
import { silentSince, silentSymbols } from "../present/silence.ts";
import { dateStart, shortClock, zoneName } from "../present/time.ts";
import { t } from "../words/i18n.ts";
import { maintenanceUntil, momentOf, openIncidents, titleOf } from "./alerts.ts";
import { worstDays } from "./month.ts";
import { ageSeconds, link, old, status } from "./state.ts";
import { beginningOfToday, missingToday } from "./today.ts";

/** What the overview says first. */
export type Verdict = {
  readonly tone: "good" | "warn" | "bad" | "ack" | "lost" | "wait";
  readonly sentence: string;
  /** Changes when the meaning of the sentence does, not with each second of a duration in it: then it is read out. */
  readonly meaning: string;
  /** The line below: the first part in ink. */
  readonly strong: string | null;
  readonly facts: readonly string[];
};

/** A recorder this young, µs, without data is only starting. */
const startingUs = 30_000_000;
/** Share of the disk below which its space is mentioned. */
const lowDisk = 0.05;

export const verdict = computed((): Verdict => {
  const newest = status.value;
  if (newest === null || old.value) return withoutContact(newest);
  if (!newest.ready) return notReady(newest);
  if (newest.symbols.length === 0) return say("warn", t("nothing"), "nothing", [t("addSymbols")]);
  return ofSymbols(newest) ?? ofIncidents(newest) ?? well(newest);
});

function withoutContact(newest: Status | null): Verdict {
  if (newest === null && link.value !== "lost")
    return say("wait", t("connecting"), "connecting", [t("connectingHint")]);
  const facts = [t("tryingAgain"), t("lookAtServer")];
  if (newest === null) return { ...say("lost", t("lost"), "lost", facts), strong: t("cannotTell") };
  const sentence = t("lostFor", { age: duration(ageSeconds.value) });
  return { ...say("lost", sentence, "lost", facts), strong: t("cannotTell") };
}

function notReady(newest: Status): Verdict {
  const isStarting =
    newest.now_us - newest.started_us < startingUs && newest.symbols.every((s) => s.last_recv_us === null);
  if (isStarting) return say("wait", t("starting"), "starting", [t("startingHint")]);
  const lastUs = Math.max(newest.started_us, ...newest.symbols.map(({ last_recv_us }) => last_recv_us ?? 0));
  const silentS = Math.floor((newest.now_us - lastUs) / 1e6);
  const reasons = newest.reasons.map((reason) => reasonOf(reason).text);
  if (silentS < 5) return say("bad", t("notReady"), "not ready", reasons);
  return say("bad", t("notRecordedFor", { age: duration(silentS) }), "not recorded", reasons);
}

function ofSymbols(newest: Status): Verdict | null {
  const silent = silentSymbols(newest);
  const [first] = silent;
  if (first === undefined) return null;
  const names = few(silent.map(({ symbol }) => symbol));
  const all = newest.symbols.length;
  const rest = newest.symbols.filter((symbol) => !silent.includes(symbol)).map(({ symbol }) => symbol);
  const known = openIncidents.value.filter(({ rule }) => rule === "stale" || rule === "disconnected");
  const isAcknowledged = known.length > 0 && known.every(({ acknowledged }) => acknowledged !== null);
  const isGrave = known.some(({ severity }) => severity === "critical");
  const facts = [perSecond(newest), ...notes(newest)];
  const strong =
    rest.length === 0
      ? null
      : t(rest.length === 1 ? "restRecordedOne" : "restRecorded", {
          n: number(rest.length),
          symbols: rest.length > 3 ? t("symbolsCount", { n: number(rest.length) }) : rest.join(", "),
        });
  if (isAcknowledged) {
    const sentence = t("silentAcknowledged", { n: number(rest.length), all: number(all), symbols: names });
    return { ...say("ack", sentence, `acknowledged ${names}`, facts), strong };
  }
  const age = duration((newest.now_us - silentSince(first, newest.started_us)) / 1e6);
  const sentence =
    silent.length === 1
      ? t("silentOne", { symbol: first.symbol, age })
      : t("silentSeveral", { n: number(silent.length), all: number(all), symbols: names });
  return { ...say(isGrave ? "bad" : "warn", sentence, `silent ${names}`, facts), strong };
}

function ofIncidents(newest: Status): Verdict | null {
  const open = openIncidents.value.filter(({ severity }) => severity !== "info");
  const unknown = open.filter(({ acknowledged }) => acknowledged === null);
  const told = (incident: OpenIncident, key: "recordingBut" | "recordingAcknowledged") =>
    t(key, { n: number(newest.symbols.length), what: titleOf(incident) });
  const [gravest] = unknown;
  if (gravest !== undefined) {
    const tone = gravest.severity === "critical" ? "bad" : "warn";
    return say(tone, told(gravest, "recordingBut"), `${gravest.rule} ${gravest.id}`, summary(newest));
  }
  const [note, ...others] = notes(newest);
  if (note !== undefined && open.length === 0) {
    const sentence = t("recordingNote", { n: number(newest.symbols.length), what: note });
    return say("warn", sentence, note.replace(/\d+/g, ""), [...others, ...summary(newest)]);
  }
  const [acknowledged] = open;
  if (acknowledged === undefined) return null;
  return say("ack", told(acknowledged, "recordingAcknowledged"), `acknowledged ${acknowledged.id}`, [
    ...notes(newest),
    ...summary(newest),
  ]);
}

function well(newest: Status): Verdict {
  const recording = t(newest.symbols.length === 1 ? "recordingOne" : "recording", { n: number(newest.symbols.length) });
  const untilUs = maintenanceUntil.value;
  if (untilUs !== null) {
    const until = t("alertsSilent", { time: momentOf(untilUs).text, zone: zoneName() });
    return say("ack", `${recording} ${until}`, "maintenance", summary(newest));
  }
  return say("good", `${recording} ${aboutToday()}`.trim(), `well ${missingToday.value ?? 0}`, summary(newest));
}

function aboutToday(): string {
  const missing = missingToday.value;
  if (missing === null) return "";
  if (missing > 0) return t(missing === 1 ? "missingTodayOne" : "missingToday", { time: duration(missing) });
  const since = beginningOfToday.value;
  if (since === null || since.minute === 0) return t("nothingMissingToday");
  const time = shortClock(dateStart(since.date) + since.minute * 60e6);
  return t("nothingMissingSince", { time: `${time} ${zoneName()}` });
}

function summary(newest: Status): string[] {
  const streams = newest.symbols.reduce((sum, symbol) => sum + symbol.streams.length, 0);
  const delays = newest.symbols.map((symbol) => symbol.delay_p50_ms ?? symbol.delay_ms).filter((ms) => ms !== null);
  const median = delays.sort((a, b) => a - b)[Math.floor(delays.length / 2)];
  const halted = newest.symbols.filter(({ state }) => state === "halted").map(({ symbol }) => symbol);
  const before = worstDays.value.filter(({ level }) => level === "before").length;
  return [
    ...(halted.length > 0 ? [t("warnHalted", { symbols: few(halted) })] : []),
    t("streamsCount", { n: number(streams) }),
    perSecond(newest),
    ...(median === undefined ? [] : [t("medianDelay", { n: number(median, 1) })]),
    ...(before === worstDays.value.length - 1 && before > 0 ? [t("daysBefore")] : []),
  ];
}

function perSecond({ totals }: Status): string {
  return t("messagesPerSecond", { rate: rate(totals.messages_per_s) });
}

/** Troubles without an incident of their own yet. */
function notes(newest: Status): string[] {
  const isTold = (...rules: OpenIncident["rule"][]) => openIncidents.value.some(({ rule }) => rules.includes(rule));
  const closed = newest.connections.filter(({ state }) => state !== "open").length;
  const { disk_free_bytes: free, disk_total_bytes: total } = newest.hardware;
  const unknown = newest.symbols
    .filter(({ state }) => state === "unknown" || state === "delisted")
    .map(({ symbol }) => symbol);
  const lines: string[] = [];
  if (closed > 0 && !isTold("disconnected"))
    lines.push(t(closed === 1 ? "warnSocketOne" : "warnSocket", { n: closed, all: newest.connections.length }));
  if (newest.archive.failures > 0 && !isTold("backlog"))
    lines.push(t(newest.archive.failures === 1 ? "warnFailure" : "warnFailures", { n: newest.archive.failures }));
  if (!isTold("disk_low")) {
    if (newest.disk !== null && newest.disk.level !== "ok") lines.push(t("warnMerging"));
    else if (total > 0 && free / total < lowDisk) lines.push(t("warnDisk", { free: bytes(free) }));
  }
  if (newest.disk?.is_filling && newest.disk.full_in_s !== null && !isTold("disk_forecast", "disk_low"))
    lines.push(t("warnForecast", { time: duration(newest.disk.full_in_s) }));
  if (unknown.length > 0 && !isTold("symbol_unknown")) lines.push(t("warnUnknown", { symbols: few(unknown) }));
  return lines;
}

function few(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? t("more", { symbols: shown, n: names.length - 3 }) : shown;
}

function say(tone: Verdict["tone"], sentence: string, meaning: string, facts: readonly string[]): Verdict {
  return { tone, sentence, meaning, strong: null, facts };
}
