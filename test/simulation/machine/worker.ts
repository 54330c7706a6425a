import { constants, zstdCompressSync } from "node:zlib";
import { combineArchives } from "../../../server/archive/combine/combine-archives.ts";
import type { CombineJob } from "../../../server/archive/combine/combine-job.ts";
import { mergeDay } from "../../../server/archive/merge/merge-day.ts";
import type { DayJob, DayResult } from "../../../server/archive/merge/write-archive.ts";
import { type SealJob, sealSegment } from "../../../server/archive/seal/seal-segment.ts";
import { archivePath, segmentPath } from "../../../server/domain/day.ts";
import { failureOf } from "../../../server/platform/errors.ts";
import { Killed, type Life } from "./life.ts";

type Listener = (event: object) => void;

const compress = (bytes: Uint8Array) =>
  new Uint8Array(zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }));

/** A worker thread whose jobs are done in one turn of the life that started it. */
export function startWorker(url: string, life: Life): object {
  const listeners = new Map<string, Listener[]>();
  let isGone = false;

  function emit(name: string, event: object): void {
    for (const listener of listeners.get(name) ?? []) listener(event);
  }

  function work({ id, job }: { id: number; job: unknown }): object {
    try {
      return { id, kind: "done", result: resultOf(url, job) };
    } catch (error) {
      if (error instanceof Killed || life.isDead()) throw new Killed();
      return { id, kind: "failed", failure: failureOf(error, ...whatAndWhere(url, job)) };
    }
  }

  return {
    addEventListener(name: string, listener: Listener) {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
    },
    postMessage(request: { id: number; job: unknown }) {
      const copy = structuredClone(request);
      life.later(2, () => {
        if (isGone) return;
        const data = work(copy);
        life.later(1, () => {
          if (!isGone) emit("message", { data });
        });
      });
    },
    terminate() {
      isGone = true;
      life.later(1, () => emit("close", {}));
    },
    unref() {},
    ref() {},
  };
}

function resultOf(url: string, job: unknown): object {
  if (url.includes("seal.worker")) return sealSegment(job as SealJob, compress);
  if (!url.includes("day.worker")) throw new Error(`no such worker: ${url}`);
  const dayJob = job as DayJob | CombineJob;
  const result: DayResult | object = "kind" in dayJob ? combineArchives(dayJob, () => {}) : mergeDay(dayJob);
  return result;
}

function whatAndWhere(url: string, job: unknown): [operation: string, path: string] {
  if (url.includes("seal.worker")) {
    const { dataDir, segment } = job as SealJob;
    return ["seal", segmentPath(dataDir, segment, "open")];
  }
  const { dataDir, day } = job as DayJob;
  return ["merge", archivePath(dataDir, day)];
}
