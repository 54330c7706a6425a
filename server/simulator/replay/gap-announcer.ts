import { dateOf, dayUs } from "../../domain/day.ts";
import type { Stream } from "../../domain/stream.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import { type GapsOf, gapsOfDays } from "../../storage/recorded-gaps.ts";
import type { RecordedMessage } from "./recorded-message.ts";
import type { RecordingFiles } from "./recording-files.ts";

/** A span in which a stream was not recorded. */
export type MissingSpan = {
  readonly stream: Stream;
  readonly fromUs: number;
  readonly toUs: number;
  /** As the recorder recorded it; `unknown` for a gap found only here. */
  readonly cause: string;
};

/** Gaps of a recording that are known before it is read. */
export type KnownGaps = {
  /** Written down by the recorder, in the order in which they end. */
  readonly spans: readonly MissingSpan[];
  /** True for times at which a gap list was kept for the stream: a silence that the list lacks is not a gap. */
  isWatched(stream: Stream, us: number): boolean;
};

/** Finds the gaps between the messages that are played. */
export type GapAnnouncer = {
  /** The gaps that this message ends. Messages have to come in order. */
  before(message: RecordedMessage): readonly MissingSpan[];
  /** The gaps that are not over when the recording ends. */
  atEnd(endUs: number): readonly MissingSpan[];
  /** The longest part of a stretch without any message that is a gap of some stream, µs. */
  longestWithin(fromUs: number, toUs: number): number;
  /** Moves to this time: the next message was received then or later. */
  moveTo(us: number): void;
  /** Gaps so far, each once. */
  count(): number;
};

/** Books are silent for 20 s at most while their symbol trades; and all streams together never are. */
const longestSilenceUs = 60_000_000;
const noGaps: readonly MissingSpan[] = [];

/** `wants` says which streams matter; gaps are clipped to [fromUs, toUs). */
export function createGapAnnouncer(
  options: { fromUs: number; toUs: number },
  deps: { known: KnownGaps; wants: (stream: Stream) => boolean },
): GapAnnouncer {
  const { known } = deps;
  const spans = known.spans.flatMap((span) => {
    const fromUs = Math.max(span.fromUs, options.fromUs);
    const toUs = Math.min(span.toUs, options.toUs);
    return fromUs < toUs && deps.wants(span.stream) ? [{ ...span, fromUs, toUs }] : [];
  });
  const announced = new Set<string>();
  const lastOf = new Map<string, { stream: Stream; us: number }>();
  let lastUs: number | null = null;
  let next = 0;
  let nextUs = spans[0]?.toUs ?? Number.POSITIVE_INFINITY;

  function announce(found: readonly MissingSpan[]): readonly MissingSpan[] {
    for (const { stream, fromUs } of found) announced.add(`${stream.name} ${fromUs}`);
    return found;
  }

  function takeKnown(us: number): MissingSpan[] {
    const first = next;
    while ((spans[next]?.toUs ?? Number.POSITIVE_INFINITY) <= us) next += 1;
    nextUs = spans[next]?.toUs ?? Number.POSITIVE_INFINITY;
    return spans.slice(first, next);
  }

  /** The parts of a silence that no gap list covers. */
  function unwatched(stream: Stream, fromUs: number, toUs: number): MissingSpan[] {
    const found: MissingSpan[] = [];
    for (let at = fromUs; at < toUs; at = dayEnd(at)) {
      const end = Math.min(dayEnd(at), toUs);
      if (known.isWatched(stream, at)) continue;
      const before = found.at(-1);
      if (before?.toUs === at) found[found.length - 1] = { ...before, toUs: end };
      else found.push({ stream, fromUs: at, toUs: end, cause: "unknown" });
    }
    return found.flatMap((span) => subtract(span, spans)).filter((span) => span.toUs - span.fromUs > longestSilenceUs);
  }

  function silences(message: RecordedMessage): MissingSpan[] {
    const { recvUs, parsed } = message;
    const found: MissingSpan[] = [];
    const quiet = lastUs !== null && recvUs - lastUs > longestSilenceUs;
    const own = lastOf.get(message.stream);
    if (quiet) {
      for (const last of lastOf.values()) {
        const fromUs = isSteady(last.stream) ? last.us : (lastUs ?? last.us);
        found.push(...unwatched(last.stream, fromUs, recvUs));
        last.us = recvUs;
      }
    } else if (own !== undefined && parsed !== null && isSteady(parsed) && recvUs - own.us > longestSilenceUs) {
      found.push(...unwatched(parsed, own.us, recvUs));
    }
    return found;
  }

  return {
    before(message) {
      const { recvUs, parsed } = message;
      let found = noGaps;
      const own = lastOf.get(message.stream);
      if (recvUs - (lastUs ?? recvUs) > longestSilenceUs || recvUs - (own?.us ?? recvUs) > longestSilenceUs) {
        found = silences(message);
      }
      if (own !== undefined) own.us = recvUs;
      else if (parsed !== null && streamKinds[parsed.type.kind].source === "socket")
        lastOf.set(message.stream, { stream: parsed, us: recvUs });
      lastUs = recvUs;
      if (recvUs >= nextUs) found = [...takeKnown(recvUs), ...found];
      return found.length === 0 ? found : announce(found);
    },
    atEnd: (endUs) =>
      announce(
        spans
          .slice(next)
          .filter((span) => span.fromUs < endUs)
          .map((span) => ({ ...span, toUs: Math.min(span.toUs, endUs) })),
      ),
    longestWithin(fromUs, toUs) {
      let longest = 0;
      for (let n = next; n < spans.length; n++) {
        const span = spans[n] as MissingSpan;
        longest = Math.max(longest, Math.min(span.toUs, toUs) - Math.max(span.fromUs, fromUs));
      }
      if (toUs - fromUs > longestSilenceUs) {
        for (const { stream } of lastOf.values()) {
          for (const span of unwatched(stream, fromUs, toUs)) longest = Math.max(longest, span.toUs - span.fromUs);
        }
      }
      return longest;
    },
    moveTo(us) {
      lastOf.clear();
      lastUs = null;
      next = spans.findIndex((span) => span.toUs > us);
      if (next < 0) next = spans.length;
      nextUs = spans[next]?.toUs ?? Number.POSITIVE_INFINITY;
    },
    count: () => announced.size,
  };
}

function isSteady({ type }: Stream): boolean {
  return streamKinds[type.kind].isSteady;
}

function dayEnd(us: number): number {
  return us - (us % dayUs) + dayUs;
}

function subtract(span: MissingSpan, others: readonly MissingSpan[]): MissingSpan[] {
  let left = [span];
  for (const other of others) {
    if (other.stream.name !== span.stream.name || other.toUs <= span.fromUs || other.fromUs >= span.toUs) continue;
    left = left.flatMap((part) => [
      ...(other.fromUs > part.fromUs ? [{ ...part, toUs: Math.min(part.toUs, other.fromUs) }] : []),
      ...(other.toUs < part.toUs ? [{ ...part, fromUs: Math.max(part.fromUs, other.toUs) }] : []),
    ]);
  }
  return left;
}

/** Gaps of merged days from their manifests; gaps of all other days, even days without files, from the recorder's gap list. */
export function findKnownGaps(tracks: readonly RecordingFiles[], gapsOf: GapsOf): KnownGaps {
  const spans: MissingSpan[] = [];
  const watchedDays = new Set<string>();
  for (const { stream, days } of tracks) {
    if (stream === null) continue;
    const { gaps, watched } = gapsOfDays(days, gapsOf);
    for (const date of watched) watchedDays.add(`${stream.name} ${date}`);
    for (const { from_us, to_us, cause } of gaps) spans.push({ stream, fromUs: from_us, toUs: to_us, cause });
  }
  spans.sort((a, b) => a.toUs - b.toUs);
  return { spans, isWatched: (stream, us) => watchedDays.has(`${stream.name} ${dateOf(us)}`) };
}
