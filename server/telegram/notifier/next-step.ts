import type { Incident } from "../../domain/incidents/incident.ts";
import type { NotificationState } from "../../domain/notification-state.ts";
import { isPast } from "../text/incident-phrases.ts";
import { repeatDueUs, toRepeat } from "./reminders.ts";

/** An incident and what one chat was told of it. */
export type ChatIncident = { readonly row: NotificationState; readonly incident: Incident };

/** What is to be done next in a chat. */
export type Action =
  /** Its one message, in a state of being over where it is. */
  | { readonly kind: "tell"; readonly told: ChatIncident }
  /** Several that were never told, in one message. */
  | { readonly kind: "summary"; readonly all: readonly ChatIncident[] }
  /** There is nothing more to say of it to anybody. */
  | { readonly kind: "forget"; readonly told: ChatIncident }
  | { readonly kind: "worse"; readonly told: ChatIncident }
  /** Change the message into one of something that is over. */
  | { readonly kind: "close"; readonly told: ChatIncident }
  /** Say that it is over; no message where the change is seen anyway. */
  | { readonly kind: "over"; readonly all: readonly ChatIncident[]; readonly isSaid: boolean }
  | { readonly kind: "repeat"; readonly all: readonly ChatIncident[] }
  | { readonly kind: "refresh"; readonly told: ChatIncident };

/** After an incident its loss may still become smaller for so long, µs: that is shown, without another word. */
const correctedUs = 16 * 60_000_000;

/** What the choice depends on besides the incidents themselves. */
export type Moment = {
  readonly nowUs: number;
  readonly isMuted: (incident: Incident) => boolean;
  /** The message no longer says what it should. Asked of one that may be changed at this moment. */
  readonly isOutdated: (told: ChatIncident) => boolean;
};

/** Open ones that are told one by one when they come together; more of them are one message. */
const mostAtOnce = 5;

/** Over within this time after it was told, µs: whoever heard the sound sees that the message has changed. */
const seenUs = 5 * 60_000_000;

/** What `shown` begins with once the message says that it is over. */
const shownAsOver = "over ";

/** The most urgent step of one chat, or null: first what nobody was told, then what became worse, what is over, and the rest. */
export function nextAction(all: readonly ChatIncident[], moment: Moment): Action | null {
  return untold(all, moment) ?? worse(all, moment) ?? over(all, moment) ?? repeat(all, moment) ?? refresh(all, moment);
}

/** What is kept of a message's hash. */
export function shownOf({ to_us }: Incident, hash: string): string {
  return to_us === null ? hash : shownAsOver + hash;
}

/** True where the chat has not been told of it at all. */
export function isUntold({ messageId }: NotificationState): boolean {
  return messageId === null;
}

function untold(all: readonly ChatIncident[], { isMuted }: Moment): Action | null {
  const waiting = all.filter(({ row }) => isUntold(row));
  const muted = waiting.find(({ incident }) => isOver(incident) && isMuted(incident));
  if (muted !== undefined) return { kind: "forget", told: muted };
  const due = waiting.filter(({ incident }) => !isMuted(incident));
  const open = due.filter(({ incident }) => !isOver(incident)).sort(byGravity);
  const ended = due.filter(({ incident }) => isOver(incident));
  if (open.length > mostAtOnce) return { kind: "summary", all: [...open, ...ended] };
  const [first] = open;
  if (first !== undefined) return { kind: "tell", told: first };
  if (ended.length > 1) return { kind: "summary", all: ended };
  return ended[0] === undefined ? null : { kind: "tell", told: ended[0] };
}

function worse(all: readonly ChatIncident[], { isMuted }: Moment): Action | null {
  const told = all.find(
    ({ row, incident }) => row.isWorse && !isOver(incident) && !isUntold(row) && !isMuted(incident),
  );
  return told === undefined ? null : { kind: "worse", told };
}

function over(all: readonly ChatIncident[], { nowUs, isMuted }: Moment): Action | null {
  const ended = all.filter(({ row, incident }) => isOver(incident) && !isUntold(row) && row.form !== "closed");
  const unchanged = ended.find(({ row }) => row.form === "own" && !row.shown.startsWith(shownAsOver));
  if (unchanged !== undefined) return { kind: "close", told: unchanged };
  const newest = Math.max(...all.map(({ row }) => row.messageId ?? 0));
  const isSeen = ({ row }: ChatIncident) =>
    row.form === "own" && row.repeats === 0 && row.messageId === newest && nowUs - row.sentUs < seenUs;
  const isNoNews = ({ incident }: ChatIncident) =>
    incident.severity === "info" || isPast(incident) || isMuted(incident);
  const quiet = ended.find((told) => isNoNews(told) || isSeen(told));
  if (quiet !== undefined) return { kind: "over", all: [quiet], isSaid: false };
  const [first] = ended;
  if (first === undefined) return null;
  return { kind: "over", all: ended.length > 3 ? ended : [first], isSaid: true };
}

function repeat(all: readonly ChatIncident[], { nowUs, isMuted }: Moment): Action | null {
  const candidates = all.flatMap((told) => {
    const dueUs = isUntold(told.row) || isMuted(told.incident) ? null : repeatDueUs(told.incident, told.row);
    return dueUs === null ? [] : [{ row: told, dueUs }];
  });
  const due = toRepeat(candidates, nowUs).sort(byGravity);
  return due.length === 0 ? null : { kind: "repeat", all: due };
}

function refresh(all: readonly ChatIncident[], { nowUs, isOutdated }: Moment): Action | null {
  const closed = all.filter(({ row }) => row.form === "closed");
  const old = closed.find(({ incident }) => nowUs - (incident.to_us ?? nowUs) > correctedUs);
  if (old !== undefined) return { kind: "forget", told: old };
  const own = all.filter(({ row, incident }) => row.form === "own" && !isUntold(row) && !isOver(incident));
  const told = [...own, ...closed].find(isOutdated);
  return told === undefined ? null : { kind: "refresh", told };
}

function isOver({ to_us }: Incident): boolean {
  return to_us !== null;
}

const gravity = { critical: 0, warning: 1, info: 2 } as const;

function byGravity(a: ChatIncident, b: ChatIncident): number {
  return gravity[a.incident.severity] - gravity[b.incident.severity] || a.incident.from_us - b.incident.from_us;
}
