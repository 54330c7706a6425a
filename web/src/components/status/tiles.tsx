import { useComputed } from "@preact/signals";
import type { Status } from "../../../../server/domain/status.ts";
import { bytes, duration, milliseconds, number, percent, rate } from "../../present/format.ts";
import { today } from "../../state/today.ts";
import { t } from "../../words/i18n.ts";
import { Sparkline } from "../charts/sparkline.tsx";
import { Meter, Tile } from "./tile.tsx";

/** The figures of recorder and machine, each with its last hour. */
export function Tiles() {
  return (
    <dl class="tiles">
      <Tile
        name="messages"
        label={t("messages")}
        read={(s) => rate(s.totals.messages_per_s)}
        unit={t("perSecond")}
        hint={(s) => t("messagesHint", { n: number(s.totals.messages) })}
      >
        <Sparkline series="messages_per_s" />
      </Tile>
      <Tile
        name="delay"
        label={t("delay")}
        read={(s) => milliseconds(median(s, (symbol) => symbol.delay_ms))}
        hint={clock}
      >
        <Sparkline series="delay_p50_ms" />
      </Tile>
      <GapTile />
      <Tile name="records" label={t("records")} read={(s) => number(s.totals.records)} hint={recordsHint} />
      <Tile name="disk" label={t("disk")} read={(s) => bytes(s.hardware.disk_free_bytes)} hint={diskHint}>
        <Sparkline series="disk_free_bytes" from="least" />
        <Meter read={diskUsed} warn={0.85} bad={0.95} />
      </Tile>
      <Tile
        name="memory"
        label={t("memory")}
        read={(s) => bytes(s.hardware.process_memory_bytes)}
        hint={(s) =>
          t("memoryHint", { used: bytes(s.hardware.memory_used_bytes), total: bytes(s.hardware.memory_total_bytes) })
        }
      >
        <Sparkline series="memory_bytes" />
      </Tile>
      <Tile
        name="cpu"
        label={t("cpu")}
        read={(s) => percent(s.hardware.cpu_ratio)}
        hint={(s) => t("cpuHint", { share: percent(s.hardware.process_cpu_cores) })}
      >
        <Sparkline series="cpu_cores" />
      </Tile>
      <Tile
        name="network"
        label={t("network")}
        read={(s) => byteRate(s.hardware.network_receive_bytes_per_s)}
        hint={(s) => t("networkHint", { rate: byteRate(s.hardware.network_transmit_bytes_per_s) })}
      >
        <Sparkline series="network_bytes_per_s" />
      </Tile>
    </dl>
  );
}

/** From the catalogue, not from the live status: a restart does not begin it anew. */
function GapTile() {
  const count = useComputed(() => (today.value === null ? "–" : number(today.value.gaps)));
  return (
    <Tile
      name="gaps"
      label={t("gapsToday")}
      read={() => count.value}
      hint={(s) => t("gapsTodayHint", { n: number(s.totals.gaps) })}
    >
      <Sparkline series="gaps" />
    </Tile>
  );
}

function clock({ clock_offset_ms, clock_offset_bound_ms }: Status): string {
  if (clock_offset_ms === null || clock_offset_bound_ms === null) return t("clockUnknown");
  const offset = `${clock_offset_ms < 0 ? "−" : "+"}${number(Math.abs(clock_offset_ms), 1)}`;
  return t("clock", { offset, bound: number(clock_offset_bound_ms, 1) });
}

function recordsHint(status: Status): string {
  const written = t("recordsHint", { bytes: bytes(status.totals.bytes_written) });
  const flush = median(status, (symbol) => symbol.flush_interval_ms);
  if (flush === null) return written;
  const n = number(status.symbols.reduce((sum, symbol) => sum + symbol.buffered_records, 0));
  return `${written} · ${t("bufferedHint", { n, time: milliseconds(flush) })}`;
}

function byteRate(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? t("unknown") : `${bytes(bytesPerSecond)}${t("perSecond")}`;
}

function diskHint(status: Status): string {
  const total = t("diskHint", { total: bytes(status.hardware.disk_total_bytes), ratio: percent(diskUsed(status)) });
  const seconds = status.disk === null ? null : status.disk.full_in_s;
  const forecast = seconds === null ? t("diskSteady") : t("diskForecast", { time: duration(seconds) });
  return [total, forecast, ...status.disks.flatMap((disk) => volumeHint(disk, status.disks.length))].join(" · ");
}

/** A file system besides the data folder's own, and inodes that run out. */
function volumeHint(disk: Status["disks"][number], all: number): string[] {
  if (disk.problem !== null) return [`${disk.name}: ${disk.problem}`];
  const room =
    all > 1 && disk.name !== "data" ? [`${disk.name}: ${bytes(disk.free_bytes)} / ${bytes(disk.total_bytes)}`] : [];
  if (disk.scarce !== "inodes" || disk.level === "ok") return room;
  return [...room, t("inodesHint", { disk: disk.name, free: number(disk.free_inodes ?? 0) })];
}

function diskUsed({ hardware }: Status): number {
  return share(hardware.disk_total_bytes - hardware.disk_free_bytes, hardware.disk_total_bytes);
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function median(status: Status, read: (symbol: Status["symbols"][number]) => number | null): number | null {
  const values = status.symbols.map(read).filter((value) => value !== null);
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}
