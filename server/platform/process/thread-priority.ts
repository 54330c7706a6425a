import { setPriority } from "node:os";

/**
 * Lowers the priority of the calling thread.
 * Linux keeps a niceness for each thread, and process id 0 means the calling thread. On other systems it would slow down the whole
 * process, so the call has no effect.
 */
export function yieldTo(niceness: number): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(0, niceness);
  } catch {
    // If the system forbids it, the work is still done, only at normal priority.
  }
}
