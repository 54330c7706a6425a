import { type ManifestGap, readManifest } from "../archive/manifest.ts";
import { clipGap, type Gap } from "../gap.ts";
import { type Day, dateStartUs, dayUs } from "../segment.ts";

/** Gaps of a day: those that are written down, and the part of the day's that are not over yet. */
export function gapsOfDay(day: Day, written: readonly Gap[], lasting: readonly Gap[]): readonly Gap[] {
  const startUs = dateStartUs(day.date);
  const open = lasting
    .filter(({ stream, symbol }) => stream === day.stream && symbol === day.symbol)
    .map((gap) => clipGap(gap, startUs, startUs + dayUs))
    .filter((gap) => gap !== null);
  // One that is not over yet may be written down already, up to a moment ago.
  return [...written.filter(({ from_us }) => open.every((gap) => gap.from_us !== from_us)), ...open];
}

/** The manifest's gaps with what is known now in their place: a catalogue that has lost some must not make a manifest forget them. */
export function withManifestGaps(day: Day, manifest: readonly ManifestGap[], known: readonly Gap[]): readonly Gap[] {
  const lost = manifest.filter(({ from_us }) => known.every((gap) => gap.from_us !== from_us));
  if (lost.length === 0) return known;
  const { stream, symbol } = day;
  return [...known, ...lost.map((gap) => ({ stream, symbol, ...gap }))].sort((a, b) => a.from_us - b.from_us);
}

/** Gaps in the manifest of a day; none where there is no manifest that can be read. */
export function gapsInManifest(dataDir: string, day: Day): readonly ManifestGap[] {
  try {
    return readManifest(dataDir, day)?.gaps ?? [];
  } catch {
    // A manifest that is damaged is the merge's to tell of.
    return [];
  }
}
