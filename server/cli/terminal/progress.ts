import type { Terminal } from "../framework/command.ts";

/** A progress line for work that takes longer than a second. */
export type Progress = {
  /** Updates the line. `share`: 0 to 1. `item`: the current file or day. It may be called at any rate. */
  update(share: number, item: string): void;
  /** Clears the line before other output. */
  clear(): void;
};

const patienceMs = 1000;
const everyMs = 100;
const clearLine = "\r\x1b[K";
const barWidth = 24;

/** Creates the progress line. It appears on standard error after a second, if that is a terminal. */
export function createProgress(
  terminal: Pick<Terminal, "isInteractive">,
  write: (text: string) => void = (text) => process.stderr.write(text),
  nowMs: () => number = () => performance.now(),
): Progress {
  const startedMs = nowMs();
  let shownMs = Number.NEGATIVE_INFINITY;
  let shown = false;

  return {
    update(share, item) {
      if (!terminal.isInteractive) return;
      const now = nowMs();
      if (now - startedMs < patienceMs || now - shownMs < everyMs) return;
      shownMs = now;
      shown = true;
      write(`${clearLine}${progressBar(share, now - startedMs)}  ${item}`);
    },
    clear() {
      if (shown) write(clearLine);
      shown = false;
      shownMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Formats a progress bar, e.g. `██████░░░░░░  50 %  12 s left`. */
export function progressBar(share: number, elapsedMs: number): string {
  const done = Math.min(1, Math.max(0, share));
  const full = Math.round(done * barWidth);
  const bar = `${"█".repeat(full)}${"░".repeat(barWidth - full)}`;
  const percent = `${String(Math.floor(done * 100)).padStart(3)} %`;
  if (done < 0.02) return `${bar}  ${percent}`;
  return `${bar}  ${percent}  ${duration(((1 - done) / done) * elapsedMs)} left`;
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
