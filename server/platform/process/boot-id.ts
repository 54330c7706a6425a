import { readFileSync } from "../files/files.ts";

/** Id of the running kernel's boot, another one after each; null if the system tells none. */
export function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}
