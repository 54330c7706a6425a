import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Journal } from "../../journal/journal.ts";
import { bootId } from "../../platform/process/boot-id.ts";
import { newestOnDiskUs } from "../../recorder/recover/newest-on-disk.ts";

/**
 * How the run before this one ended: when it last received something, whether it stopped of its own will, and whether the machine has
 * started anew since, or nobody can tell.
 */
export type LastRun = { readonly lastRecvUs: number; readonly clean: boolean; readonly isRebooted: boolean };

/** Gaps of catalogues of earlier versions that are taken over: what is older stands in the manifests, µs. */
const keptUs = 7 * 86_400_000_000;

/**
 * What is known of earlier runs: from the journal; the first time that there is one, from the catalogue, where earlier versions kept
 * it; and where that is gone as well, from the newest files of each stream. Null at the first run of all.
 */
export function knownLastRun(
  dataDir: string,
  streams: readonly Stream[],
  deps: { journal: Journal; catalogue: LiveCatalogue; nowUs: number },
): LastRun | null {
  const { journal } = deps;
  if (journal.isNew) takeOver(journal, deps.catalogue, deps.nowUs);
  const known = lastOf(journal);
  if (known !== null) return known;
  const us = newestOnDiskUs(dataDir, streams);
  if (us > 0) journal.assumeRun({ started_us: us, last_recv_us: us, clean: false });
  return lastOf(journal);
}

function takeOver(journal: Journal, catalogue: LiveCatalogue, nowUs: number): void {
  const left = catalogue.inherited();
  if (left === null) return;
  if (left.lastRun !== null) journal.assumeRun(left.lastRun);
  for (const hole of left.holes) journal.holes.save(hole);
  const pending = new Set(left.holes.map(({ stream, symbol, fromUs }) => `${stream}/${symbol}/${fromUs}`));
  journal.saveGaps(
    left.gaps.filter(
      ({ stream, symbol, from_us, to_us }) => to_us > nowUs - keptUs || pending.has(`${stream}/${symbol}/${from_us}`),
    ),
  );
}

function lastOf(journal: Journal): LastRun | null {
  const runs = journal.runs().filter(({ last_recv_us }) => last_recv_us !== null);
  const run = runs.at(-1);
  // A run whose clock was behind says less than the one before it.
  const lastRecvUs = Math.max(...runs.map(({ last_recv_us }) => last_recv_us ?? 0));
  if (run === undefined) return null;
  const boot = bootId();
  return { lastRecvUs, clean: run.clean, isRebooted: boot === null || run.boot !== boot };
}
