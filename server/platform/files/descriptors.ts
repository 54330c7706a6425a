import { readdirSync, readFileSync } from "./files.ts";

/**
 * Returns how many files and sockets this process may have open; Infinity if unknown.
 * Bun raises the soft limit to the hard limit when it starts.
 */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Returns how many files and sockets this process has open; 0 if unknown. */
export function descriptorsInUse(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
