import { expect, test } from "bun:test";
import { incidentRules } from "../../../server/domain/incidents/incident-rules.ts";
import { muteName, readMute } from "../../../server/telegram/bot/mute-target.ts";
import { sharedWords } from "../../../server/telegram/bot/shared-words.ts";
import { ruleWords } from "../../../server/text/rules/rule-words.ts";

const symbols = ["BTCUSDT", "ETHUSDT"];
const read = (text: string) => readMute(text.split(" "), symbols, () => null);
const hourUs = 3_600_000_000;

test("a mute takes the words with which the bot names it, in both languages, for every rule and alone or with a symbol", () => {
  for (const language of ["en", "ko"] as const)
    for (const rule of incidentRules)
      for (const symbol of [null, "ETHUSDT"]) {
        const target = { rule, symbol, kind: "mute" } as const;
        const name = muteName(target, { language, say: sharedWords[language] });
        expect([name, read(`${name} 8h`)]).toEqual([name, { target, spanUs: 8 * hourUs, unknown: null }]);
        const typed = `90min ${name.toLowerCase()}`;
        expect([typed, read(typed)]).toEqual([typed, { target, spanUs: 1.5 * hourUs, unknown: null }]);
      }
  for (const say of Object.values(sharedWords))
    expect(read(`${say.muteAll} 1h`)).toEqual({
      target: { rule: null, symbol: null, kind: "mute" },
      spanUs: hourUs,
      unknown: null,
    });
});

test("names of rules as in the config, and the words for a maintenance, are taken as before; what is unknown is named", () => {
  expect(read("delay 90min").target.rule).toBe("delay");
  expect(read("disk-low BTCUSDT 1h").target).toEqual({ rule: "disk_low", symbol: "BTCUSDT", kind: "mute" });
  for (const word of ["all", "maintenance", "전부", "점검"]) expect(read(`${word} 2h`).target.kind).toBe("maintenance");
  expect(read("2x").unknown).toBe("2x");
  expect(ruleWords("delay", "en").title).toBe("Late data");
});
