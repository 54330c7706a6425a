import type { Incident } from "./incident.ts";
import { type IncidentSeverity, severityOrder } from "./incident-rules.ts";

/** A part of every day in which only critical incidents make a sound, in minutes after local midnight. It may pass midnight. */
export type QuietHours = { readonly fromMinutes: number; readonly toMinutes: number };

/** Tests whether a local time lies in the quiet hours. */
export function isInHours({ fromMinutes, toMinutes }: QuietHours, minutes: number): boolean {
  return fromMinutes < toMinutes
    ? minutes >= fromMinutes && minutes < toMinutes
    : minutes >= fromMinutes || minutes < toMinutes;
}

/** Tests whether an incident is at least as severe as `least`. */
export function isAtLeast({ severity }: Pick<Incident, "severity">, least: IncidentSeverity): boolean {
  return severityOrder[severity] <= severityOrder[least];
}
