import type { Incident, Incidents } from "../../domain/incidents/incident.ts";

/** Returns the end of the longest mute that concerns an incident, µs; null if the incident is not muted. */
export function mutedUntil(
  incident: Incident,
  incidents: Pick<Incidents, "isMuted" | "mutes">,
  nowUs: number,
): number | null {
  if (!incidents.isMuted(incident)) return null;
  const isOf = (symbol: string | null) =>
    symbol === null || incident.subjects.some((subject) => subject.split(" ")[0] === symbol);
  const mutes = incidents.mutes().filter((mute) => (mute.rule ?? incident.rule) === incident.rule && isOf(mute.symbol));
  return Math.max(nowUs, ...mutes.map(({ until_us }) => until_us));
}
