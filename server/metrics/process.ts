import { readdirSync, readFileSync } from "../platform/files/files.ts";
import { counter, type Family, gauge } from "./family.ts";

/** The process, by the names that every Prometheus exporter has for it; what the system does not tell is left out. */
export function processFamilies(): readonly Family[] {
  const { user, system } = process.cpuUsage();
  return [
    counter("process_cpu_seconds", "CPU time of the process, workers included.", [(user + system) / 1e6]),
    gauge("process_resident_memory_bytes", "Resident memory of the process.", [process.memoryUsage.rss()]),
    gauge("process_start_time_seconds", "Start of the process.", [startSeconds]),
    gauge("process_open_fds", "Open file descriptors.", [openFiles()]),
    gauge("process_max_fds", "Most file descriptors that may be open.", [mostFiles]),
  ];
}

const startSeconds = Math.round(Date.now() - process.uptime() * 1000) / 1000;
const mostFiles = softLimit();

function openFiles(): number | null {
  try {
    // The one that reads the folder is among them.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return null;
  }
}

function softLimit(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null;
  }
}
