import { readFileSync } from "../files/files.ts";

/** Returns the id of the current boot; null if the system has no such id. It changes with each boot. */
export function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}
