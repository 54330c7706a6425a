import type { Incident } from "../../domain/incidents/incident.ts";
import type { NotificationState } from "../../domain/notification-state.ts";
import { isPast } from "../text/incident-phrases.ts";

const hourUs = 3_600_000_000;

/** Pauses between reminders until the incident is acknowledged; the last pause repeats. */
const pausesUs = [1, 2, 4, 8, 24].map((hours) => hours * hourUs);

/** Reminders that are due within this time are sent together, µs. */
const nearUs = 15 * 60_000_000;

/**
 * Returns the time of an incident's next reminder, µs; null if it is acknowledged, over, past or of severity info. An incident that was
 * sent without a sound, in the quiet hours, is due at once.
 */
export function repeatDueUs(
  incident: Incident,
  { soundUs, sentUs, repeats }: Pick<NotificationState, "soundUs" | "sentUs" | "repeats">,
): number | null {
  if (incident.to_us !== null || isPast(incident) || incident.acknowledged !== null || incident.severity === "info")
    return null;
  if (soundUs === 0) return sentUs;
  return soundUs + (pausesUs[Math.min(repeats, pausesUs.length - 1)] ?? 0);
}

/** Returns the rows to repeat now: as soon as a row is due, also the rows that are due soon after. */
export function toRepeat<R>(rows: readonly { readonly row: R; readonly dueUs: number }[], nowUs: number): R[] {
  if (rows.every(({ dueUs }) => dueUs > nowUs)) return [];
  return rows.filter(({ dueUs }) => dueUs <= nowUs + nearUs).map(({ row }) => row);
}
