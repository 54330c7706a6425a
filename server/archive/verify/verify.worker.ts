import { archivePath } from "../../domain/day.ts";
import { messageOf } from "../../platform/errors.ts";
import { yieldTo } from "../../platform/process/thread-priority.ts";
import type { VerifyJob, VerifyReply } from "./verifier.ts";
import { verifyArchive } from "./verify-archive.ts";

/** Progress is said this often at most, ms. */
const everyMs = 100;

self.addEventListener("message", async ({ data }: MessageEvent<VerifyJob>) => {
  yieldTo(15);
  let saidMs = 0;
  const reply = (message: VerifyReply) => postMessage(message);
  try {
    const found = await verifyArchive(data.dataDir, data.day, (share) => {
      if (performance.now() - saidMs < everyMs) return;
      saidMs = performance.now();
      reply({ kind: "progress", share });
    });
    reply({ kind: "done", problems: found.kind === "ok" ? [] : found.problems });
  } catch (error) {
    const detail = `${archivePath(data.dataDir, data.day)}: ${messageOf(error)}`;
    reply({ kind: "done", problems: [{ kind: "archive_unreadable", detail }] });
  }
});
