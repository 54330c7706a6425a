import { cpus, freemem, totalmem } from "node:os";
import type { Hardware } from "../domain/status.ts";
import { readFileSync } from "../platform/files/files.ts";
import { statfs } from "../platform/files/files-async.ts";

/** Measures the load of the machine. Every rate is the mean since the previous sample. */
export type HardwareMeter = {
  /** Takes a sample. Only one sample runs at a time. */
  sample(): Promise<void>;
  current(): Hardware;
};

/** Creates a meter for the file system of `dataDir`. `withLoopback`: traffic within this machine counts too. */
export function createHardwareMeter(dataDir: string, { withLoopback }: { withLoopback: boolean }): HardwareMeter {
  const cores = cpus().length;
  let previous = read(withLoopback);
  let current: Hardware = {
    cpu_ratio: 0,
    process_cpu_cores: 0,
    cores,
    ...memory(),
    disk_free_bytes: 0,
    disk_total_bytes: 0,
    network_receive_bytes_per_s: null,
    network_transmit_bytes_per_s: null,
  };
  let sampling = false;

  return {
    async sample() {
      if (sampling) return;
      sampling = true;
      try {
        const disk = await statfs(dataDir).catch(() => null);
        const now = read(withLoopback);
        const seconds = Math.max(0.001, (now.atMs - previous.atMs) / 1000);
        const rate = (from: number | null, to: number | null) =>
          from === null || to === null ? null : Math.max(0, Math.round((to - from) / seconds));
        current = {
          cpu_ratio: round((now.busyMs - previous.busyMs) / Math.max(1, now.cpuMs - previous.cpuMs)),
          process_cpu_cores: round((now.processUs - previous.processUs) / 1e6 / seconds),
          cores,
          ...memory(),
          disk_free_bytes: disk === null ? 0 : disk.bavail * disk.bsize,
          disk_total_bytes: disk === null ? 0 : disk.blocks * disk.bsize,
          network_receive_bytes_per_s: rate(previous.received, now.received),
          network_transmit_bytes_per_s: rate(previous.transmitted, now.transmitted),
        };
        previous = now;
      } finally {
        sampling = false;
      }
    },
    current: () => current,
  };
}

function read(withLoopback: boolean) {
  const { user, system } = process.cpuUsage();
  return { atMs: performance.now(), ...processors(), processUs: user + system, ...network(withLoopback) };
}

/**
 * Returns the time spent by all cores together, ms.
 * Linux reports it in one line (user, nice, system, idle, iowait, irq, softirq, steal, in units of 10 ms); `cpus` reads several files per
 * core for the same.
 */
function processors(): { busyMs: number; cpuMs: number } {
  const line = /^cpu +(.*)$/m.exec(readProc("/proc/stat"))?.[1];
  if (line === undefined) return processorsBySystem();
  const times = line.split(" ").slice(0, 8).map(Number);
  const cpuMs = times.reduce((sum, time) => sum + time, 0) * 10;
  return { cpuMs, busyMs: cpuMs - ((times[3] ?? 0) + (times[4] ?? 0)) * 10 };
}

function processorsBySystem(): { busyMs: number; cpuMs: number } {
  let busyMs = 0;
  let cpuMs = 0;
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    cpuMs += all;
    busyMs += all - times.idle;
  }
  return { busyMs, cpuMs };
}

function memory() {
  return {
    process_memory_bytes: process.memoryUsage.rss(),
    memory_used_bytes: totalmem() - availableMemory(),
    memory_total_bytes: totalmem(),
  };
}

/** Returns the available memory. Linux includes memory that it could free at once; `freemem` omits the page cache. */
function availableMemory(): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(readProc("/proc/meminfo"))?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}

function network(withLoopback: boolean): { received: number | null; transmitted: number | null } {
  let received: number | null = null;
  let transmitted: number | null = null;
  for (const line of readProc("/proc/net/dev").split("\n")) {
    const [name = "", counters] = line.split(":");
    if (counters === undefined || (name.trim() === "lo" && !withLoopback)) continue;
    const fields = counters.trim().split(/\s+/).map(Number);
    received = (received ?? 0) + (fields[0] ?? 0);
    transmitted = (transmitted ?? 0) + (fields[8] ?? 0);
  }
  return { received, transmitted };
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function round(value: number): number {
  return Math.round(Math.max(0, value) * 1000) / 1000;
}
