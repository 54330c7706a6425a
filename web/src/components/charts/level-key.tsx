import type { Level } from "../../present/levels.ts";
import type { Words } from "../../words/common-en.ts";
import { t } from "../../words/i18n.ts";

const words: Readonly<Record<Level, keyof Words>> = {
  whole: "levelWhole",
  today: "levelWhole",
  hair: "levelHair",
  part: "levelPart",
  poor: "levelPoor",
  none: "levelNone",
  before: "levelBefore",
  halted: "levelHalted",
  ahead: "stateAhead",
};

/** Explains how days are drawn. */
export function LevelKey({ levels }: { levels: readonly Level[] }) {
  return (
    <span class="key">
      {levels.map((level) => (
        <span key={level}>
          <i class="bar" data-l={level} />
          {t(words[level])}
        </span>
      ))}
    </span>
  );
}
