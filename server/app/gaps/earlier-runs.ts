import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Journal } from "../../journal/journal.ts";
import { bootId } from "../../platform/process/boot-id.ts";
import { newestOnDiskUs } from "../../recorder/recover/newest-on-disk.ts";

/**
 * How the previous run ended. `lastRecvUs`: its newest receipt. `clean`: it stopped in the regular way. `isRebooted`: the machine
 * has rebooted since, or this is unknown.
 */
export type LastRun = { readonly lastRecvUs: number; readonly clean: boolean; readonly isRebooted: boolean };

/** Maximum age, µs, of gaps that are imported from a catalogue of an earlier version. The manifests hold older gaps. */
const keptUs = 7 * 86_400_000_000;

/**
 * Returns how the previous run ended, or null at the very first run. Sources, in this order:
 *
 * 1. the journal;
 * 2. with a new journal, the catalogue, where earlier versions kept their runs (imported into the journal);
 * 3. without either, the newest files of each stream.
 */
export function knownLastRun(
  dataDir: string,
  streams: readonly Stream[],
  deps: { journal: Journal; catalogue: LiveCatalogue; nowUs: number },
): LastRun | null {
  const { journal } = deps;
  if (journal.isNew) importInherited(journal, deps.catalogue, deps.nowUs);
  const known = lastRunOf(journal);
  if (known !== null) return known;
  const us = newestOnDiskUs(dataDir, streams);
  if (us > 0) journal.assumeRun({ started_us: us, last_recv_us: us, clean: false });
  return lastRunOf(journal);
}

function importInherited(journal: Journal, catalogue: LiveCatalogue, nowUs: number): void {
  const inherited = catalogue.inherited();
  if (inherited === null) return;
  if (inherited.lastRun !== null) journal.assumeRun(inherited.lastRun);
  for (const backfill of inherited.holes) journal.backfills.save(backfill);
  const pending = new Set(inherited.holes.map(({ stream, symbol, fromUs }) => `${stream}/${symbol}/${fromUs}`));
  journal.saveGaps(
    inherited.gaps.filter(
      ({ stream, symbol, from_us, to_us }) => to_us > nowUs - keptUs || pending.has(`${stream}/${symbol}/${from_us}`),
    ),
  );
}

function lastRunOf(journal: Journal): LastRun | null {
  const runs = journal.runs().filter(({ last_recv_us }) => last_recv_us !== null);
  const run = runs.at(-1);
  // The maximum over all runs, not the last run: its clock may have been behind.
  const lastRecvUs = Math.max(...runs.map(({ last_recv_us }) => last_recv_us ?? 0));
  if (run === undefined) return null;
  const boot = bootId();
  return { lastRecvUs, clean: run.clean, isRebooted: boot === null || run.boot !== boot };
}
