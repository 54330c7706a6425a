import { setPriority } from "node:os";

/**
 * Makes the calling thread nicer. Linux keeps a niceness for each thread, and 0 means the calling one; elsewhere it would slow the
 * whole process down, and nothing is done.
 */
export function yieldTo(niceness: number): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(0, niceness);
  } catch {
    // A system that forbids this still does the work, only less politely.
  }
}
