import type { Status } from "../../../domain/status.ts";
import { bytes, count, coverage, duration, milliseconds, percent, rate } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { escapeHtml } from "../../api/html.ts";
import { table } from "../../text/text-table.ts";
import { type Ask, asOf, type BotCommand, go, rows, waitingSegments } from "../command.ts";

const phrases = texts({
  en: {
    well: "All is well.",
    notReady: "Not recording correctly.",
    attention: "Recording, needs attention: {n} open.",
    demo: "Demo: an invented market",
    recording: "{symbols} {symbols|symbol|symbols}, {streams} {streams|stream|streams}, {rate} messages a second",
    covered: "{percent} of today recorded, {gaps} {gaps|gap|gaps} today",
    coveredWhole: "{percent} of today recorded, no gaps today",
    delay: "Delay",
    clock: "Clock",
    memory: "Memory",
    disk: "Disk",
    load: "Load",
    records: "Records",
    sockets: "Sockets",
    running: "Running",
    version: "Version",
    strangers: "Strangers",
    free: "{free} free",
    fullIn: "full in {time}",
    ofCore: "{share} of a core",
    socketsOpen: "{open} of {all} open",
  },
  ko: {
    well: "모두 정상입니다.",
    notReady: "정상적으로 기록되지 않고 있습니다.",
    attention: "기록 중이지만 확인이 필요합니다: {n}건",
    demo: "데모: 가상의 시장",
    recording: "심볼 {symbols}개, 스트림 {streams}개, 초당 {rate}건",
    covered: "오늘 {percent} 기록, 오늘 공백 {gaps}건",
    coveredWhole: "오늘 {percent} 기록, 오늘 공백 없음",
    delay: "지연",
    clock: "시계",
    memory: "메모리",
    disk: "디스크",
    load: "부하",
    records: "레코드",
    sockets: "연결",
    running: "가동",
    version: "버전",
    strangers: "낯선 사람",
    free: "{free} 남음",
    fullIn: "{time} 후 가득 참",
    ofCore: "코어 1개의 {share}",
    socketsOpen: "{all}개 중 {open}개 열림",
  },
});

/** `/status` */
export const statusCommand: BotCommand = {
  name: "status",
  about: { en: "state of the recorder", ko: "모두 정상인지 확인" },
  create:
    ({ status, history, incidents }) =>
    async (ask) => {
      const { say, language } = ask;
      const now = status();
      const open = incidents.open().filter((incident) => !incidents.isMuted(incident)).length;
      const today = await history.today();
      const known = today.days.map((day) => day.coverage).filter((share) => share !== null);
      const share = known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
      const recording = {
        symbols: count(now.symbols.length, language),
        streams: count(
          now.symbols.reduce((sum, symbol) => sum + symbol.streams.length, 0),
          language,
        ),
        rate: rate(now.totals.messages_per_s, language),
      };
      const covered = { percent: share === null ? "–" : coverage(share, language), gaps: count(today.gaps, language) };
      const html = [
        headline(now, open, ask),
        ...now.reasons.slice(0, 4).map((reason) => `• ${escapeHtml(reason)}`),
        ...(now.mode === "demo" ? [phrases[language].demo] : []),
        fill(phrases[language].recording, recording),
        fill(today.gaps === 0 ? phrases[language].coveredWhole : phrases[language].covered, covered),
        table(figuresOf(now, ask)),
        asOf(now.now_us, ask),
      ].join("\n");
      const buttons = rows(
        go(`🔄 ${say.refresh}`, "status"),
        [...go("/symbols", "symbols"), ...go("/delay", "delay"), ...go("/today", "today")],
        [...go("/alerts", "alerts"), ...go("/gaps", "gaps"), ...go("/disk", "disk")],
      );
      return { html, buttons };
    },
};

function headline({ ready }: Status, open: number, { language }: Ask): string {
  if (!ready) return `🔴 <b>${phrases[language].notReady}</b>`;
  return open > 0
    ? `⚠️ <b>${fill(phrases[language].attention, { n: count(open, language) })}</b>`
    : `✅ <b>${phrases[language].well}</b>`;
}

function figuresOf(status: Status, ask: Ask): readonly (readonly string[])[] {
  const { say, language } = ask;
  const { hardware, totals, archive, disk, clock_offset_ms: offset } = status;
  const delays = status.symbols.map((symbol) => symbol.delay_p50_ms).filter((delay) => delay !== null);
  const delay = delays.length === 0 ? null : delays.reduce((sum, value) => sum + value, 0) / delays.length;
  const open = status.connections.filter(({ state }) => state === "open").length;
  const strangers = status.bot?.strangers ?? 0;
  return [
    [phrases[language].records, count(totals.records, language)],
    [phrases[language].delay, delay === null ? "–" : milliseconds(delay, language)],
    [phrases[language].clock, offset === null ? "–" : `${offset} ± ${status.clock_offset_bound_ms ?? 0}\u00a0ms`],
    [phrases[language].sockets, fill(phrases[language].socketsOpen, { open, all: status.connections.length })],
    [phrases[language].load, fill(phrases[language].ofCore, { share: percent(hardware.process_cpu_cores, language) })],
    [phrases[language].memory, bytes(hardware.process_memory_bytes, language)],
    [phrases[language].disk, fill(phrases[language].free, { free: bytes(hardware.disk_free_bytes, language) })],
    ...(disk?.full_in_s != null && disk.is_filling
      ? [["", fill(phrases[language].fullIn, { time: duration(disk.full_in_s * 1e6, language) })]]
      : []),
    [say.waitingSegments, waitingSegments(archive, ask)],
    ...(strangers > 0 ? [[phrases[language].strangers, count(strangers, language)]] : []),
    [phrases[language].running, duration(status.now_us - status.started_us, language)],
    [phrases[language].version, status.version],
  ];
}
