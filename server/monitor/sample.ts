import type { Sample } from "../history.ts";
import type { Status } from "../status.ts";

/** The figures of a status of which a history is kept; gaps are counted from one to the next. */
export function sampleOf({ totals, hardware, symbols }: Status): Omit<Sample, "gaps"> {
  const delays = symbols.map(({ delay_ms }) => delay_ms).filter((delay) => delay !== null);
  const received = hardware.network_receive_bytes_per_s;
  return {
    messages_per_s: totals.messages_per_s,
    delay_p50_ms: delays.sort((a, b) => a - b)[Math.floor(delays.length / 2)] ?? null,
    disk_free_bytes: hardware.disk_total_bytes > 0 ? hardware.disk_free_bytes : null,
    memory_bytes: hardware.process_memory_bytes,
    cpu_cores: hardware.process_cpu_cores,
    network_bytes_per_s: received,
  };
}
