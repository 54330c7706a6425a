import type { Incident } from "../domain/incidents/incident.ts";
import type { IncidentUnit } from "../domain/incidents/incident-rules.ts";
import { bytes, count, duration, estimate, figure, milliseconds, percent, seconds } from "./amounts.ts";
import { fill, type Language, texts } from "./language.ts";

const phrases = texts({
  en: { records: "{n} {n|record|records}", about: "about {n} book {n|update|updates}", and: " and " },
  ko: { records: "데이터 {n}건", about: "호가 갱신 약 {n}건", and: ", " },
});

/** A figure of an incident in its unit. */
export function inUnit(unit: IncidentUnit, amount: number, language: Language): string {
  switch (unit) {
    case "s":
      return amount < 10 && !Number.isInteger(amount) ? seconds(amount, language) : duration(amount * 1e6, language);
    case "ms":
      return milliseconds(amount, language);
    case "bytes":
      return bytes(amount, language);
    case "ratio":
      return percent(amount, language);
    case "count":
      return figure(amount, language);
  }
}

/** What an incident has lost: `12 records and about 610 book updates`; null if that is unknown, or if it has lost no record. */
export function lossText(
  { records_lost: lost, records_lost_estimate }: Pick<Incident, "records_lost" | "records_lost_estimate">,
  language: Language,
): string | null {
  const { records, about, and } = phrases[language];
  const estimated = records_lost_estimate ?? 0;
  const counted = lost === null || lost === 0 ? [] : [fill(records, { n: count(lost, language) })];
  const guessed = Math.round(estimated) > 0 ? [fill(about, { n: estimate(estimated, language) })] : [];
  const parts = [...counted, ...guessed];
  return parts.length === 0 ? null : parts.join(and);
}
