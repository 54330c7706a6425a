import { dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { within } from "../../platform/time/deadline.ts";
import type { Language } from "../../text/language.ts";
import { localTime } from "../../text/local-time.ts";
import { type DigestFacts, digestHtml } from "../text/digest-message.ts";
import type { Notifier } from "./notifier.ts";

/** Sends a daily summary of the previous UTC day, as text and picture. */
export type Digest = {
  /** Call it once a second. Returns at once. */
  tick(): void;
};

export type DigestOptions = {
  readonly chats: readonly number[];
  /** Time of sending, in minutes after local midnight. */
  readonly atMinutes: number;
  readonly language: Language;
  readonly host: string;
  readonly timeZone?: string;
};

export type DigestDeps = {
  readonly notifier: Pick<Notifier, "post" | "readValue" | "saveValue">;
  /** Returns the facts of a day; null if they are still incomplete. Must not return null if `isLast`. */
  readonly facts: (date: string, isLast: boolean) => Promise<DigestFacts | null>;
  /** Draws a PNG; null if that is impossible. */
  readonly picture: (date: string) => Promise<Uint8Array | null>;
  readonly nowUs: () => number;
  readonly log: Log;
};

/** A finished day is usually merged within this time, µs. After it the digest uses incomplete facts. */
const settledUs = 2 * 3_600_000_000;

/** Pause before incomplete facts are requested again, µs. */
const askAgainUs = 60_000_000;

/** A digest that cannot be sent for this time is dropped, µs. */
const staleUs = 12 * 3_600_000_000;

const pictureMs = 20_000;

const sinceKey = "digest: first day";

/** Creates the digest. Each chat gets it once a day, also across restarts. Days before the first start are left out. */
export function createDigest(options: DigestOptions, deps: DigestDeps): Digest {
  const { notifier, nowUs, log } = deps;
  let postedFor = "";
  let notBeforeUs = 0;
  let isWorking = false;

  /** Returns the chats that have not got the digest of this local day. */
  function waiting(today: string, isPast: boolean): readonly number[] {
    if (notifier.readValue(sinceKey) === null) notifier.saveValue(sinceKey, dateOf(nowUs()));
    return options.chats.filter((chat) => {
      const sentOn = notifier.readValue(sentKey(chat));
      // A chat that is added after the time of sending gets its first digest tomorrow.
      if (sentOn === null) notifier.saveValue(sentKey(chat), isPast ? today : "-");
      // A date in the future comes from a clock that was ahead; it does not count as sent.
      return sentOn === null ? !isPast : sentOn < today || (sentOn !== "-" && sentOn > tomorrowOf(today));
    });
  }

  async function work(today: string, chats: readonly number[]): Promise<void> {
    const date = dateOf(dateStartUs(dateOf(nowUs())) - 1);
    if (date < (notifier.readValue(sinceKey) ?? date)) {
      for (const chat of chats) notifier.saveValue(sentKey(chat), today);
      return;
    }
    const isLast = nowUs() - dateStartUs(date) - dayUs >= settledUs;
    const facts = await deps.facts(date, isLast);
    if (facts === null) {
      notBeforeUs = nowUs() + askAgainUs;
      return;
    }
    const picture = await drawPicture(date);
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
          onSent: () => notifier.saveValue(sentKey(chat), today),
        },
        chat,
      );
  }

  async function drawPicture(date: string): Promise<Uint8Array | null> {
    try {
      return await within(deps.picture(date), { what: "it was not drawn", ms: pictureMs });
    } catch (error) {
      log.warn("cannot draw the picture of the digest; sending the text alone", { reason: messageOf(error) });
      return null;
    }
  }

  return {
    tick() {
      const now = nowUs();
      // If the clock was set back, the wait could be far longer than the pause.
      if (isWorking || (now < notBeforeUs && notBeforeUs - now <= askAgainUs)) return;
      // Computing the local time is costly, and once a minute is enough.
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

function tomorrowOf(date: string): string {
  return dateOf(dateStartUs(date) + dayUs);
}

function sentKey(chat: number): string {
  return `digest: told ${chat}`;
}
