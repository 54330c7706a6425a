import type { Status, SymbolStatus } from "../../../server/domain/status.ts";
import type { DiskStatus, VolumeStatus } from "../../../server/domain/storage-status.ts";

/** A plausible status with as many symbols as asked for; numbers move with `step`, so that two steps never look alike. */
export function fakeStatus(step: number, symbolCount: number, over: Partial<Status> = {}): Status {
  const now_us = Date.now() * 1000;
  const symbols = Array.from({ length: symbolCount }, (_, index) => fakeSymbol(index, step, now_us));
  const messages_per_s = symbols.reduce((sum, symbol) => sum + symbol.messages_per_s, 0);
  return {
    version: "0.1.0",
    mode: "record",
    host: "recorder-1",
    now_us,
    shard: "1/1",
    started_us: now_us - 93_784_000_000,
    ready: true,
    reasons: [],
    clock_offset_ms: 0.8,
    clock_offset_bound_ms: 3.2,
    clock_steps: 0,
    catalogue: { problem: null, since_us: null, journal_problem: null },
    dataset: null,
    catch_up: { doing: null, days_checked: null },
    hardware: {
      cpu_ratio: 0.21 + 0.08 * Math.sin(step / 5),
      process_cpu_cores: 0.062 + 0.03 * Math.sin(step / 4),
      cores: 4,
      process_memory_bytes: 96_000_000 + step * 12_345,
      memory_used_bytes: 5_200_000_000,
      memory_total_bytes: 16_700_000_000,
      disk_free_bytes: 612_000_000_000 - step * 1_000_000,
      disk_total_bytes: 1_000_000_000_000,
      network_receive_bytes_per_s: 812_345 + 90_000 * Math.sin(step / 3),
      network_transmit_bytes_per_s: 31_234 + step,
    },
    totals: {
      messages: 48_120_345 + step * 173,
      messages_per_s,
      records: 48_120_112 + step * 173,
      bytes_written: 31_345_678_901 + step * 120_000,
      duplicates: 233,
      unusual: 0,
      quarantined: 0,
      reconnects: 3,
      rollovers: 3,
      epochs: 0,
      holes: 0,
      records_repaired: 0,
      records_late: 0,
      records_gated: 0,
      gaps: 2,
    },
    archive: {
      segments_sealed: 8412 + step,
      segments_waiting: 2,
      days_merged: 60,
      days_waiting: 0,
      rows_merged: 51_804_720,
      raw_bytes_merged: 84_140_742_680,
      compressed_bytes_merged: 4_874_073_480,
      workers: 1,
      failures: 0,
      last_failure: null,
      last_archive: {
        stream: "depth20",
        symbol: "BTCUSDT",
        date: "2026-11-22",
        rows: 863_412,
        raw_bytes: 1_402_345_678,
        compressed_bytes: 81_234_567,
      },
    },
    disk: fakeDisk(step),
    disks: disksOf(fakeDisk(step)),
    upload: null,
    telegram: null,
    alerts: { open: [], maintenance_until_us: null, notifies: true },
    bot: null,
    connections: [
      {
        id: 1,
        role: "current",
        rollover_us: now_us + 40_000_000_000,
        host: "stream.binance.com:9443",
        state: "open",
        since_us: now_us - 14_000_000_000,
        streams: symbolCount * 2,
        reconnects: 3,
        last_recv_us: now_us - 4000,
        last_error: null,
      },
    ],
    symbols,
    ...over,
  };
}

const names = [
  "BTC",
  "ETH",
  "SOL",
  "BNB",
  "XRP",
  "DOGE",
  "ADA",
  "AVAX",
  "LINK",
  "DOT",
  "TRX",
  "LTC",
  "NEAR",
  "UNI",
  "ATOM",
];

/** Symbol number `index` of a fake status. */
export function fakeSymbolName(index: number): string {
  const name = names[index % names.length];
  return index < names.length ? `${name}USDT` : `${name}${Math.floor(index / names.length)}USDT`;
}

function fakeSymbol(index: number, step: number, nowUs: number): SymbolStatus {
  const rate = Math.max(0.4, (24 / (1 + index / 6)) * (1 + 0.2 * Math.sin(step / 3 + index)));
  const last_recv_us = nowUs - Math.round(1_000_000 / rate);
  return {
    symbol: fakeSymbolName(index),
    state: "trading",
    messages_per_s: rate,
    delay_ms: 110 + (index % 9) + Math.sin(step + index) * 4,
    delay_p50_ms: 110 + (index % 9),
    delay_p99_ms: 160 + (index % 9),
    interval_ms: 1000 / rate,
    mid: 100 * (index + 1) + Math.round(100 * Math.sin(step / 9 + index)) / 100,
    flush_interval_ms: Math.min(1000, 100_000 / rate),
    buffered_records: (step * 7 + index * 3) % 100,
    last_recv_us,
    streams: [
      {
        stream: "depth20@100ms",
        messages_per_s: rate * 0.4,
        records: 863_412 + step,
        buffered_records: 12,
        last_recv_us,
        gap: null,
      },
      {
        stream: "aggTrade",
        messages_per_s: rate * 0.6,
        records: 1_203_412 + step,
        buffered_records: 31,
        last_recv_us,
        gap: null,
      },
    ],
  };
}

function fakeDisk(step: number): DiskStatus {
  return {
    ...{ level: "ok", scarce: "bytes", free_inodes: 60_000_000, total_inodes: 61_000_000, is_filling: false },
    free_bytes: 612_000_000_000 - step * 1_000_000,
    total_bytes: 1_000_000_000_000,
    low_bytes: 2_147_483_648,
    very_low_bytes: 134_217_728,
    fill_bytes_per_s: 1_000_000,
    full_in_s: 612_000,
  };
}

/** All folders are on the same disk. */
export function disksOf(disk: DiskStatus | null): readonly VolumeStatus[] {
  if (disk === null) return [];
  return [{ name: "data", path: "/srv/rt-data", holds: ["data", "live", "archive"], problem: null, ...disk }];
}
