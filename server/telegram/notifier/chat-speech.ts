import type { IncidentSeverity } from "../../domain/incidents/incident-rules.ts";
import { isInHours, type QuietHours } from "../../domain/incidents/quiet-hours.ts";
import type { RecordingState } from "../../domain/incidents/recording-state.ts";
import type { Language } from "../../text/language.ts";
import { localTime } from "../../text/local-time.ts";
import type { Medium } from "../../text/rules/rule-words.ts";
import type { Speech } from "../text/incident-phrases.ts";

export type NotifierOptions = {
  readonly chats: readonly number[];
  readonly language: Language;
  readonly host: string;
  /** Name of the service, for the log and for the message after an outage; Telegram if missing. */
  readonly service?: string;
  /** Where advice points to: commands of the bot, or views of the page. */
  readonly medium?: Medium;
  /** Time zone of displayed times and of the quiet hours; the machine's time zone if missing. */
  readonly timeZone?: string;
  /** Part of the day in which only critical incidents make a sound. */
  readonly quietHours?: QuietHours | null;
  /** Incidents below this severity are not sent. */
  readonly minSeverity?: IncidentSeverity;
};

/** Creates the context of texts at this moment, and the test for the quiet hours by the clock of the chats. */
export function createChatSpeech(
  options: NotifierOptions,
  { nowUs, recording }: { readonly nowUs: () => number; readonly recording: () => RecordingState },
): { readonly speech: () => Speech; readonly isQuiet: () => boolean } {
  const { language, host, timeZone, quietHours, service, medium } = options;
  const more = { ...(timeZone && { timeZone }), ...(service && { service }), ...(medium && { medium }) };
  return {
    speech: () => ({ language, host, nowUs: nowUs(), recording: recording(), ...more }),
    isQuiet: () => quietHours != null && isInHours(quietHours, localTime(nowUs(), timeZone).minutes),
  };
}
