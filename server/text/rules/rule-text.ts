import type { IncidentRule } from "../../domain/incidents/incident-rules.ts";
import type { Language } from "../language.ts";

/** Words for the incidents of one rule on the page and in the bot, in one language. */
export type RuleWords = {
  /** The name of the problem everywhere: in messages, answers, mutes and on the page. It can follow "over after 12 min · ". */
  readonly title: string;
  /** The title with the subjects in it, for places that do not list them. */
  readonly titleOf?: string;
  /** The figure in a first line, behind the title: `{value} left`. */
  readonly brief?: string;
  /** Whether somebody has to act, and how, in a few words for a first line: `free some space`. */
  readonly act: string;
  /** Instead of title and act while the incident has a figure. */
  readonly withFigure?: { readonly title: string; readonly act: string };
  /** Instead of title and cost while the incident is not critical. */
  readonly mild?: { readonly title: string; readonly cost: string };
  /** What the incident costs. */
  readonly cost: string;
  /** What to do. `…` in backquotes is shown as code; {gaps}, {delay}, {disk} and {logs} name a view of the page or a command of the bot. */
  readonly advice: string;
};

/** The words of one rule in every language. */
export type RuleText = Readonly<Record<Language, RuleWords>>;

/** The words of some rules. */
export type RuleTexts<R extends IncidentRule = IncidentRule> = Readonly<Record<R, RuleText>>;
