import { readdirSync, readFileSync } from "./files.ts";

/** How many files and sockets this process may have open; Infinity if the system does not say. Bun raises it to the hard limit as it starts. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** How many it has open; 0 if the system does not say. */
export function descriptorsInUse(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
