import type { Status } from "../../../domain/status.ts";
import { bytes, count, coverage, duration, figure, milliseconds, percent } from "../../../text/amounts.ts";
import { escapeHtml } from "../../api/html.ts";
import { table } from "../../text/text-table.ts";
import { type Ask, asOf, type BotCommand, fill, go, rows, type Sources } from "./command.ts";

/** `/status` */
export function statusCommand({ status, history, incidents }: Sources): BotCommand {
  return {
    name: "status",
    async run(ask) {
      const { say, language } = ask;
      const now = status();
      const open = incidents.open().filter((incident) => !incidents.isMuted(incident)).length;
      const today = await history.today();
      const known = today.days.map((day) => day.coverage).filter((share) => share !== null);
      const share = known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0) / known.length;
      const recording = {
        symbols: count(now.symbols.length, language),
        streams: count(
          now.symbols.reduce((sum, symbol) => sum + symbol.streams.length, 0),
          language,
        ),
        rate: figure(now.totals.messages_per_s, language),
      };
      const covered = { percent: share === null ? "–" : coverage(share, language), gaps: count(today.gaps, language) };
      const html = [
        headline(now, open, ask),
        ...now.reasons.slice(0, 4).map((reason) => `• ${escapeHtml(reason)}`),
        ...(now.mode === "demo" ? [say.demo] : []),
        fill(say.recording, recording),
        fill(say.covered, covered),
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
}

function headline({ ready }: Status, open: number, { say, language }: Ask): string {
  if (!ready) return `🔴 <b>${say.notReady}</b>`;
  return open > 0 ? `⚠️ <b>${fill(say.attention, { n: count(open, language) })}</b>` : `✅ <b>${say.well}</b>`;
}

function figuresOf(status: Status, { say, language }: Ask): readonly (readonly string[])[] {
  const { hardware, totals, archive, disk, clock_offset_ms: offset } = status;
  const delays = status.symbols.map((symbol) => symbol.delay_p50_ms).filter((delay) => delay !== null);
  const delay = delays.length === 0 ? null : delays.reduce((sum, one) => sum + one, 0) / delays.length;
  const open = status.connections.filter(({ state }) => state === "open").length;
  const strangers = status.bot?.strangers ?? 0;
  return [
    [say.records, count(totals.records, language)],
    [say.delay, delay === null ? "–" : milliseconds(delay, language)],
    [say.clock, offset === null ? "–" : `${offset} ± ${status.clock_offset_bound_ms ?? 0} ms`],
    [say.sockets, fill(say.socketsOpen, { open, all: status.connections.length })],
    [say.load, fill(say.ofCore, { share: percent(hardware.process_cpu_cores, language) })],
    [say.memory, bytes(hardware.process_memory_bytes, language)],
    [say.disk, fill(say.free, { free: bytes(hardware.disk_free_bytes, language) })],
    ...(disk?.full_in_s != null && disk.is_filling
      ? [["", fill(say.fullIn, { time: duration(disk.full_in_s * 1e6, language) })]]
      : []),
    [say.waitingSegments, fill(say.segments, { n: count(archive.segments_waiting, language) })],
    ...(strangers > 0 ? [[say.strangers, count(strangers, language)]] : []),
    [say.running, duration(status.now_us - status.started_us, language)],
    [say.version, status.version],
  ];
}
