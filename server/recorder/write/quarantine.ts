import { join } from "node:path";
import { dateOf } from "../../domain/day.ts";
import { messageOf } from "../../platform/errors.ts";
import { appendFile, mkdir, stat } from "../../platform/files/files-async.ts";
import type { Log } from "../../platform/log/log.ts";

/** Keeps messages of unknown form for inspection. */
export type Quarantine = {
  /** Keeps the message, shortened, with the reason and its receipt time. */
  add(reason: string, text: string, recvUs: number): void;
  count(): number;
  /** Resolves when all kept messages are written. */
  stop(): Promise<void>;
};

/** Most characters kept of one message, and of one day: a broken peer must not fill the disk. */
const longestMessage = 16 * 1024;
const largestDay = 16 * 1024 * 1024;
const mostWaiting = 1000;

/** Creates the quarantine `<data>/quarantine/messages-<date>.jsonl`. Every message is counted; as many as fit are kept. */
export function createQuarantine(options: { dataDir: string }, deps: { log: Log }): Quarantine {
  const folder = join(options.dataDir, "quarantine");
  const waiting: string[] = [];
  const reasons = new Set<string>();
  let count = 0;
  let writing: Promise<void> | null = null;

  async function write(): Promise<void> {
    try {
      await mkdir(folder, { recursive: true });
      while (waiting.length > 0) {
        const lines = waiting.splice(0).join("");
        const path = join(folder, `messages-${dateOf(Date.now() * 1000)}.jsonl`);
        const size = await stat(path).then(
          (info) => info.size,
          () => 0,
        );
        if (size + lines.length <= largestDay) await appendFile(path, lines);
      }
    } catch (error) {
      deps.log.warn("cannot keep a message of unknown form", { reason: messageOf(error) });
    } finally {
      writing = null;
    }
  }

  return {
    add(reason, text, recvUs) {
      count++;
      if (!reasons.has(reason) && reasons.size < 100) {
        reasons.add(reason);
        deps.log.warn("a message of unknown form was moved to quarantine (logged once per reason)", { reason, folder });
      }
      if (waiting.length >= mostWaiting) return;
      waiting.push(
        `${JSON.stringify({ recv_us: recvUs, reason, length: text.length, text: text.slice(0, longestMessage) })}\n`,
      );
      writing ??= write();
    },
    count: () => count,
    async stop() {
      await writing;
    },
  };
}
