import { expect, test } from "bun:test";
import { type IncidentRule, incidentRules, ruleFacts } from "../../../server/domain/incidents/incident-rules.ts";
import {
  incidentAct,
  incidentAdvice,
  incidentCost,
  incidentTitle,
  ruleWords,
} from "../../../server/text/rules/rule-words.ts";

const languages = ["en", "ko"] as const;
const severitiesOf = (rule: IncidentRule) => ruleFacts[rule].severities;

test("every incident of every rule has a title, a cost and an advice on the page and in the bot, with all places filled in", () => {
  for (const rule of incidentRules)
    for (const language of languages)
      for (const severity of severitiesOf(rule))
        for (const text of [
          incidentTitle({ rule, severity }, language),
          incidentCost({ rule, severity }, language),
          incidentAdvice(rule, language, "page"),
          incidentAdvice(rule, language, "bot"),
          incidentAct({ rule, severity }, language),
        ])
          expect([rule, text]).toEqual([rule, expect.stringMatching(/^[^{}]+$/)]);
});

test("both languages say the same things about a rule, in different words", () => {
  for (const rule of incidentRules) {
    const [en, ko] = [ruleWords(rule, "en"), ruleWords(rule, "ko")];
    expect([rule, Object.keys(ko)]).toEqual([rule, Object.keys(en)]);
    expect([rule, ko.advice.match(/\{\w+\}/g)]).toEqual([rule, en.advice.match(/\{\w+\}/g)]);
    expect(ko.title).not.toBe(en.title);
  }
});

test("a first line has a figure only if the rule has a unit, and a past incident always has one; it fits a lock screen", () => {
  for (const rule of incidentRules) {
    const { unit, isPast } = ruleFacts[rule];
    if (ruleWords(rule, "en").brief !== undefined) expect([rule, unit]).not.toEqual([rule, null]);
    if (isPast) expect([rule, ruleWords(rule, "en").brief]).not.toEqual([rule, undefined]);
    for (const language of languages) {
      const { title, brief = "", act } = ruleWords(rule, language);
      expect([title, brief, act, `${title}${brief}${act}`.length < 70]).toEqual([title, brief, act, true]);
    }
  }
});
