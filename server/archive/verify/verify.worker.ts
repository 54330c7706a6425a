import { archivePath } from "../../domain/day.ts";
import { yieldTo } from "../../platform/process/thread-priority.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import type { VerifyJob, VerifyReply } from "./verifier.ts";
import { verifyArchive } from "./verify-archive.ts";

/** Shortest time between two progress messages, ms. */
const progressIntervalMs = 100;

self.addEventListener("message", async ({ data }: MessageEvent<VerifyJob>) => {
  yieldTo(15);
  let repliedMs = 0;
  const reply = (message: VerifyReply) => postMessage(message);
  try {
    const verification = await verifyArchive(data.dataDir, data.day, (share) => {
      if (performance.now() - repliedMs < progressIntervalMs) return;
      repliedMs = performance.now();
      reply({ kind: "progress", share });
    });
    reply({ kind: "done", problems: verification.kind === "ok" ? [] : verification.problems });
  } catch (error) {
    const detail = `${archivePath(data.dataDir, data.day)}: ${reasonOf(error)}`;
    reply({ kind: "done", problems: [{ kind: "archive_unreadable", detail }] });
  }
});
