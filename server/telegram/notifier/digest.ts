import { dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Language } from "../../text/language.ts";
import { type DigestFacts, digestHtml } from "../text/digest-message.ts";
import type { Notifier } from "./notifier.ts";

/** Once a day, a picture of the UTC day before, in words and in a drawing. */
export type Digest = {
  /** Call it once a second. Returns at once. */
  tick(): void;
};

export type DigestOptions = {
  readonly chats: readonly number[];
  /** Minutes after midnight by the machine's clock. */
  readonly atMinutes: number;
  readonly language: Language;
  readonly host: string;
  readonly timeZone?: string;
};

export type DigestDeps = {
  readonly notifier: Pick<Notifier, "post" | "note" | "setNote">;
  /** What is known of a day; null while more will be known soon, which it may not say where `isLast`. */
  readonly facts: (date: string, isLast: boolean) => Promise<DigestFacts | null>;
  /** A PNG, or null where none can be drawn. */
  readonly picture: (date: string) => Promise<Uint8Array | null>;
  readonly nowUs: () => number;
  readonly log: Log;
};

/** A day that is over is merged within this time as a rule; after it the digest says what is known, µs. */
const settledUs = 2 * 3_600_000_000;

/** Pause before facts that were not known yet are asked for again, µs. */
const askAgainUs = 60_000_000;

/** A digest that cannot be told for so long is not told at all, µs. */
const staleUs = 12 * 3_600_000_000;

const pictureMs = 20_000;

const sinceNote = "digest: first day";

/** Each chat gets it once a day, over restarts as well; nothing of days before the first start. */
export function createDigest(options: DigestOptions, deps: DigestDeps): Digest {
  const { notifier, nowUs, log } = deps;
  let postedFor = "";
  let notBeforeUs = 0;
  let isWorking = false;

  /** Chats that wait for the digest of this local day. */
  function waiting(today: string, isPast: boolean): readonly number[] {
    if (notifier.note(sinceNote) === null) notifier.setNote(sinceNote, dateOf(nowUs()));
    return options.chats.filter((chat) => {
      const told = notifier.note(toldNote(chat));
      // A chat that is new in the afternoon is not told of this morning.
      if (told === null) notifier.setNote(toldNote(chat), isPast ? today : "-");
      // One of the days to come was told by a clock that was ahead.
      return told === null ? !isPast : told < today || (told !== "-" && told > tomorrowOf(today));
    });
  }

  async function work(today: string, chats: readonly number[]): Promise<void> {
    const date = dateOf(dateStartUs(dateOf(nowUs())) - 1);
    if (date < (notifier.note(sinceNote) ?? date)) {
      for (const chat of chats) notifier.setNote(toldNote(chat), today);
      return;
    }
    const isLast = nowUs() - dateStartUs(date) - dayUs >= settledUs;
    const facts = await deps.facts(date, isLast);
    if (facts === null) {
      notBeforeUs = nowUs() + askAgainUs;
      return;
    }
    const picture = await drawn(date);
    const { language, host, timeZone } = options;
    const speech = { language, host, nowUs: nowUs(), ...(timeZone === undefined ? {} : { timeZone }) };
    postedFor = today;
    for (const chat of chats)
      notifier.post(
        {
          name: `digest of ${date}`,
          letter: { html: digestHtml(facts, speech), silent: true },
          picture,
          untilUs: nowUs() + staleUs,
          onSent: () => notifier.setNote(toldNote(chat), today),
        },
        chat,
      );
  }

  async function drawn(date: string): Promise<Uint8Array | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, pictureMs, null);
    });
    try {
      return await Promise.race([deps.picture(date), late]);
    } catch (error) {
      log.warn("cannot draw the picture of the digest; it is sent without", { reason: messageOf(error) });
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    tick() {
      const now = nowUs();
      // The clock may have been put back since.
      if (isWorking || (now < notBeforeUs && notBeforeUs - now <= askAgainUs)) return;
      // Only the minute counts: no need to look at the calendar each second.
      notBeforeUs = now - (now % askAgainUs) + askAgainUs;
      const { date, minutes } = localTime(now, options.timeZone);
      const isPast = minutes >= options.atMinutes;
      const chats = waiting(date, isPast);
      if (!isPast || chats.length === 0 || postedFor === date) return;
      isWorking = true;
      work(date, chats)
        .catch((error: unknown) => log.warn("cannot make the digest", { reason: messageOf(error) }))
        .finally(() => {
          isWorking = false;
        });
    },
  };
}

/** Date and minutes after midnight, as the clock on the wall says; a clock that is put back repeats minutes, never a day. */
export function localTime(us: number, timeZone?: string): { readonly date: string; readonly minutes: number } {
  const format = new Intl.DateTimeFormat("en-CA", {
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    timeZone,
  } as Intl.DateTimeFormatOptions);
  const parts = new Map(format.formatToParts(us / 1000).map(({ type, value }) => [type, value]));
  const date = `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
  return { date, minutes: Number(parts.get("hour")) * 60 + Number(parts.get("minute")) };
}

function tomorrowOf(date: string): string {
  return dateOf(dateStartUs(date) + dayUs);
}

function toldNote(chat: number): string {
  return `digest: told ${chat}`;
}
