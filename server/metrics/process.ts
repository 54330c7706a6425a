import { readdirSync, readFileSync } from "../platform/files/files.ts";
import { counter, type Family, gauge } from "./family.ts";

/** Builds the standard process metrics of every Prometheus exporter. Omits values that the system does not report. */
export function processFamilies(): readonly Family[] {
  const { user, system } = process.cpuUsage();
  return [
    counter("process_cpu_seconds", "CPU time of the process, workers included.", [(user + system) / 1e6]),
    gauge("process_resident_memory_bytes", "Resident memory of the process.", [process.memoryUsage.rss()]),
    gauge("process_start_time_seconds", "Start of the process.", [startSeconds]),
    gauge("process_open_fds", "Open file descriptors.", [openFiles()]),
    gauge("process_max_fds", "Limit of open file descriptors.", [maxFiles]),
  ];
}

const startSeconds = Math.round(Date.now() - process.uptime() * 1000) / 1000;
const maxFiles = softLimit();

function openFiles(): number | null {
  try {
    // The descriptor that reads the folder is in the list too.
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
