import type { DayDetail, MinuteState } from "../../../../server/domain/queries.ts";
import { causeWord } from "../../present/causes.ts";
import { gapLength, number } from "../../present/format.ts";
import { dateStart } from "../../present/time.ts";
import type { Words } from "../../words/common-en.ts";
import { t } from "../../words/i18n.ts";

const stateWords: Record<MinuteState, keyof Words> = {
  recorded: "stateRecorded",
  partial: "statePartial",
  missing: "stateMissing",
  halted: "stateHalted",
  ahead: "stateAhead",
  before: "levelBefore",
};

/** State of a minute of a day. */
export function stateAt({ spans }: DayDetail, minute: number): MinuteState {
  return spans.find(([from, to]) => minute >= from && minute < to)?.[2] ?? "ahead";
}

/** What is known of a minute: its state, its rows, and the gaps in it. */
export function minuteText(detail: DayDetail, minute: number): string {
  const state = stateAt(detail, minute);
  if (state === "ahead" || state === "before") return t(stateWords[state]);
  const from = dateStart(detail.date) + minute * 60e6;
  const gaps = detail.gaps.filter(({ from_us, to_us }) => to_us > from && from_us < from + 60e6);
  const why = gaps.map(({ cause, from_us, to_us }) => `${causeWord(cause)} (${gapLength((to_us - from_us) / 1e6)})`);
  return [t(stateWords[state]), t("rowsCount", { n: number(detail.rows_per_minute[minute] ?? 0) }), ...why].join(", ");
}
