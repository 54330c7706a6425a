import type { Incident, Mute } from "../../domain/incidents/incident.ts";
import { type IncidentRule, incidentRules } from "../../domain/incidents/incident-rules.ts";
import { nearest } from "../../platform/did-you-mean.ts";
import { ruleWords } from "../../text/rules/rule-words.ts";
import type { Ask } from "./command.ts";

/** The target and the duration of a mute; null if the words do not say. */
export type MuteWords = {
  readonly target: Pick<Mute, "rule" | "symbol" | "kind">;
  readonly spanUs: number | null;
  /** The first unknown word, or null. */
  readonly unknown: string | null;
};

const minuteUs = 60_000_000;
const units: Readonly<Record<string, number>> = {
  m: minuteUs,
  min: minuteUs,
  분: minuteUs,
  h: 60 * minuteUs,
  시간: 60 * minuteUs,
  d: 1440 * minuteUs,
  일: 1440 * minuteUs,
};

/** Names of rules in the words of the messages, longest first: "disk nearly full" as well as `disk_low`. */
const names: readonly (readonly [name: string, rule: IncidentRule])[] = incidentRules
  .flatMap((rule) =>
    (["en", "ko"] as const).flatMap((language) => {
      const { title, mild, withFigure } = ruleWords(rule, language);
      return [title, mild?.title, withFigure?.title].flatMap((name) =>
        name === undefined ? [] : ([[name.toLowerCase(), rule]] as const),
      );
    }),
  )
  .sort(([a], [b]) => b.length - a.length);

/** Parses `2h`, `late data 8h`, `delay 8h`, `BTCUSDT 1h`, `delay BTCUSDT 90min`, `all 2h` and `#12 1h`, in any order. */
export function readMute(
  spoken: readonly string[],
  symbols: readonly string[],
  incidentOf: (id: number) => Incident | null,
): MuteWords {
  let [rule, symbol, spanUs, unknown]: [IncidentRule | null, string | null, number | null, string | null] = [
    null,
    null,
    null,
    null,
  ];
  let kind: Mute["kind"] = "mute";
  const { words, rule: byName } = withoutName(spoken);
  rule = byName;
  for (const word of words) {
    const span = /^(\d{1,5}(?:\.\d)?)(m|min|h|d|분|시간|일)$/i.exec(word);
    const incident = /^#(\d{1,15})$/.exec(word);
    const known = incident === null ? null : incidentOf(Number(incident[1]));
    const named = symbols.find((name) => name === word.toUpperCase());
    const namedRule = ruleOf(word);
    if (span !== null) spanUs = Number(span[1]) * (units[(span[2] ?? "").toLowerCase()] ?? 0);
    else if (known !== null) [rule, symbol] = [known.rule, onlySymbol(known, symbols)];
    else if (/^(everything|모든|알림)$/i.test(word)) continue;
    else if (/^(all|maintenance|전부|점검)$/i.test(word)) kind = "maintenance";
    else if (named !== undefined) symbol = named;
    else if (namedRule !== null) rule = namedRule;
    else unknown ??= word;
  }
  return {
    target: kind === "maintenance" ? { rule: null, symbol: null, kind } : { rule, symbol, kind },
    spanUs,
    unknown,
  };
}

/** Formats a mute: `delay, BTCUSDT`. */
export function muteName(
  { rule, symbol, kind }: Pick<Mute, "rule" | "symbol" | "kind">,
  { say, language }: Pick<Ask, "say" | "language">,
): string {
  if (kind === "maintenance") return say.maintenance;
  const parts = [...(rule === null ? [] : [ruleWords(rule, language).title]), ...(symbol === null ? [] : [symbol])];
  return parts.length === 0 ? say.muteAll : parts.join(", ");
}

/** Takes the name of a rule, as messages say it, out of the words. A comma behind it is ignored. */
function withoutName(spoken: readonly string[]): {
  readonly words: readonly string[];
  readonly rule: IncidentRule | null;
} {
  const text = spoken.map((word) => word.replace(/,$/, "")).join(" ");
  const padded = ` ${text.toLowerCase()} `;
  const found = names.find(([name]) => padded.includes(` ${name} `));
  if (found === undefined) return { words: text.split(" ").filter(Boolean), rule: null };
  const [name, rule] = found;
  const at = padded.indexOf(` ${name} `);
  const rest = `${text.slice(0, at)} ${text.slice(at + name.length)}`;
  return { words: rest.split(" ").filter(Boolean), rule };
}

function ruleOf(word: string): IncidentRule | null {
  const plain = word.toLowerCase().replaceAll("-", "_");
  const exact = incidentRules.find((rule) => rule === plain) ?? incidentRules.find((rule) => rule.startsWith(plain));
  return exact ?? (nearest(plain, incidentRules) as IncidentRule | null);
}

function onlySymbol({ subjects, subject_count }: Incident, symbols: readonly string[]): string | null {
  const named = new Set(subjects.map((subject) => subject.split(" ")[0] ?? ""));
  const [symbol] = named;
  return named.size === 1 && subject_count <= subjects.length && symbols.includes(symbol ?? "")
    ? (symbol ?? null)
    : null;
}
