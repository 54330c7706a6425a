import { byGravity, type Incident } from "../../../domain/incidents/incident.ts";
import { recordingState } from "../../../domain/incidents/recording-state.ts";
import type { TodayCoverage } from "../../../domain/queries.ts";
import type { Status } from "../../../domain/status.ts";
import { bytes, count, coverage, duration, milliseconds, percent, rate } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { localizedReason } from "../../../text/reason.ts";
import { escapeHtml } from "../../api/html.ts";
import { mark, recordingOf } from "../../text/incident-phrases.ts";
import { type Ask, asOf, type BotCommand, go, rows } from "../command.ts";

const phrases = texts({
  en: {
    open: "{n} open (/alerts)",
    demo: "demo, an invented market",
    recording: "{symbols} {symbols|symbol|symbols}, {rate} messages a second",
    whole: "Today (UTC): {percent} recorded, no gaps",
    missing: "Today (UTC): {percent} recorded, {missing} missing",
    covered: "Today (UTC): {percent} recorded, {missing} missing, {gaps} {gaps|gap|gaps}",
    openGaps: "{n} open now",
    network: "Delay {delay}, clock {offset}, {open} of {all} {all|connection|connections} open",
    disk: "Disk {free} free",
    fullIn: "full in {time}",
    load: "memory {memory}, {share} of a core",
    running: "Running for {time}, version {version}",
  },
  ko: {
    open: "문제 {n}건 (/alerts)",
    demo: "데모: 실제 시세가 아닙니다",
    recording: "심볼 {symbols}개, 초당 {rate}건",
    whole: "오늘(UTC): 기록률 {percent}, 공백 없음",
    missing: "오늘(UTC): 기록률 {percent}, {missing} 빠짐",
    covered: "오늘(UTC): 기록률 {percent}, {missing} 빠짐, 공백 {gaps}건",
    openGaps: "지금 {n}건",
    network: "지연 {delay}, 시계 {offset}, 연결 {all}개 중 {open}개",
    disk: "디스크 {free} 남음",
    fullIn: "{time} 뒤 가득 참",
    load: "메모리 {memory}, 코어 1개의 {share}",
    running: "가동 {time}, 버전 {version}",
  },
});

/** Reasons that are listed while data does not flow. */
const mostReasons = 4;

/** `/status`: five lines, and the reasons if data does not flow. */
export const statusCommand: BotCommand = {
  name: "status",
  about: { en: "state of the recorder", ko: "모두 정상인지 확인" },
  create:
    ({ status, history, incidents }) =>
    async (ask) => {
      const now = status();
      const open = incidents
        .open()
        .filter((incident) => incident.severity !== "info" && !incidents.isMuted(incident))
        .sort(byGravity);
      const html = [
        headline(now, open, ask),
        ...now.reasons.slice(0, mostReasons).map((reason) => `• ${escapeHtml(localizedReason(reason, ask.language))}`),
        todayLine(await history.today(), now, ask),
        networkLine(now, ask),
        machineLine(now, ask),
        `${runningLine(now, ask)} · ${asOf(now.now_us, ask)}`,
      ].join("\n");
      const buttons = rows(
        go(`🔄 ${ask.say.refresh}`, "status"),
        [...go("/symbols", "symbols"), ...go("/delay", "delay"), ...go("/today", "today")],
        [...go("/alerts", "alerts"), ...go("/gaps", "gaps"), ...go("/disk", "disk")],
      );
      return { html, buttons };
    },
};

/** Reports the recording state and open incidents. An open incident always rules out the words for a healthy recorder. */
function headline(now: Status, open: readonly Incident[], { language }: Ask): string {
  const words = phrases[language];
  const state = recordingState(now, false);
  const recording = now.ready || state !== "all" ? state : "part";
  const speech = { language, nowUs: now.now_us, host: "", recording };
  const [gravest] = open;
  const sign = gravest !== undefined ? mark(gravest) : recording === "all" ? "✅" : "🔴";
  const parts = [
    recordingOf(speech, open),
    ...(open.length === 0 ? [] : [fill(words.open, { n: count(open.length, language) })]),
    fill(words.recording, {
      symbols: count(now.symbols.length, language),
      rate: rate(now.totals.messages_per_s, language),
    }),
    ...(now.mode === "demo" ? [words.demo] : []),
  ];
  return `${sign} <b>${parts.join(" · ")}</b>`;
}

function todayLine({ days, gaps }: TodayCoverage, { symbols }: Status, { language }: Ask): string {
  const words = phrases[language];
  const known = days.map((day) => day.coverage).filter((share) => share !== null);
  const share = known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  const open = symbols.flatMap(({ streams }) => streams).filter(({ gap }) => gap !== null && gap.cause !== "halted");
  const missingS = Math.max(0, ...days.map(({ missing_s }) => missing_s));
  const percent = share === null ? "–" : coverage(share, language);
  if (gaps + open.length === 0 && missingS === 0) return fill(words.whole, { percent });
  const missing = duration(missingS * 1e6, language);
  // A gap that began yesterday is missing time of today, but no gap of today.
  const text = gaps + open.length === 0 ? words.missing : words.covered;
  const line = fill(text, { percent, missing, gaps: count(gaps + open.length, language) });
  return open.length === 0 ? line : `${line} (${fill(words.openGaps, { n: count(open.length, language) })})`;
}

function networkLine({ symbols, connections, ...status }: Status, { language }: Ask): string {
  const delays = symbols.map(({ delay_p50_ms }) => delay_p50_ms).filter((delay) => delay !== null);
  const mean = delays.length === 0 ? null : delays.reduce((sum, value) => sum + value, 0) / delays.length;
  const { clock_offset_ms: offset, clock_offset_bound_ms: bound } = status;
  return fill(phrases[language].network, {
    delay: mean === null ? "–" : milliseconds(mean, language),
    offset: offset === null ? "–" : `${offset} ± ${bound ?? 0}\u00a0ms`,
    open: connections.filter(({ state }) => state === "open").length,
    all: connections.length,
  });
}

function machineLine({ hardware, disk }: Status, { language }: Ask): string {
  const words = phrases[language];
  const parts = [
    fill(words.disk, { free: bytes(hardware.disk_free_bytes, language) }),
    ...(disk?.full_in_s != null && disk.is_filling
      ? [fill(words.fullIn, { time: duration(disk.full_in_s * 1e6, language) })]
      : []),
    fill(words.load, {
      memory: bytes(hardware.process_memory_bytes, language),
      share: percent(hardware.process_cpu_cores, language),
    }),
  ];
  return parts.join(", ");
}

function runningLine({ now_us, started_us, version }: Status, { language }: Ask): string {
  const time = duration(now_us - started_us, language);
  return fill(phrases[language].running, { time, version });
}
