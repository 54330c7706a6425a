import type { Incident } from "../../domain/incidents/incident.ts";
import type { IncidentRule } from "../../domain/incidents/incident-rules.ts";
import { fill, type Language, type Texts } from "../language.ts";
import { feedWords } from "./feed-words.ts";
import { machineWords } from "./machine-words.ts";
import type { RuleTexts, RuleWords } from "./rule-text.ts";
import { workWords } from "./work-words.ts";

/** The medium of a text: the page, or a chat with the bot. */
export type Medium = "page" | "bot";

const table: RuleTexts = { ...feedWords, ...machineWords, ...workWords };

/** Names of the places that an advice points to. The space behind a command ends it for Telegram. */
const places: Readonly<Record<Medium, Texts<"gaps" | "delay" | "disk" | "logs">>> = {
  page: {
    en: { gaps: "the list of gaps", delay: "the list of symbols", disk: "the overview", logs: "the log" },
    ko: { gaps: "공백 목록", delay: "심볼 목록", disk: "개요", logs: "로그" },
  },
  bot: {
    en: { gaps: "/gaps", delay: "/delay", disk: "/disk", logs: "/logs" },
    ko: { gaps: "/gaps ", delay: "/delay ", disk: "/disk ", logs: "/logs " },
  },
};

/** The words of a rule. */
export function ruleWords(rule: IncidentRule, language: Language): RuleWords {
  return table[rule][language];
}

/** The figures of an incident that its words depend on. */
export type Worded = Pick<Incident, "rule" | "severity"> & Partial<Pick<Incident, "value">>;

/** Names the problem, without its subjects. */
export function incidentTitle({ rule, severity, value }: Worded, language: Language): string {
  const { title, mild, withFigure } = ruleWords(rule, language);
  if (withFigure !== undefined && value != null) return withFigure.title;
  return severity === "critical" ? title : (mild?.title ?? title);
}

/** Whether somebody has to act, and how, in a few words. */
export function incidentAct({ rule, value }: Worded, language: Language): string {
  const { act, withFigure } = ruleWords(rule, language);
  return withFigure !== undefined && value != null ? withFigure.act : act;
}

/** What an incident costs. */
export function incidentCost({ rule, severity }: Pick<Incident, "rule" | "severity">, language: Language): string {
  const { cost, mild } = ruleWords(rule, language);
  return severity === "critical" ? cost : (mild?.cost ?? cost);
}

/** What to do about an incident; parts in backquotes are code. */
export function incidentAdvice(rule: IncidentRule, language: Language, medium: Medium): string {
  return fill(ruleWords(rule, language).advice, places[medium][language]);
}
