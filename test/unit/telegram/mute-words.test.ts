import { expect, test } from "bun:test";
import { incidentRules } from "../../../server/domain/incidents/incident-rules.ts";
import { chartSpan } from "../../../server/telegram/bot/chart-request.ts";
import { muteName, readMute } from "../../../server/telegram/bot/mute-target.ts";
import { sharedWords } from "../../../server/telegram/bot/shared-words.ts";
import { readIncoming } from "../../../server/telegram/bot/update-parser.ts";
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

test("names of rules as in the config, and the words for a maintenance, are taken as before; unknown words are named", () => {
  expect(read("delay 90min").target.rule).toBe("delay");
  expect(read("disk-low BTCUSDT 1h").target).toEqual({ rule: "disk_low", symbol: "BTCUSDT", kind: "mute" });
  for (const word of ["all", "maintenance", "전부", "점검"]) expect(read(`${word} 2h`).target.kind).toBe("maintenance");
  expect(read("2x").unknown).toBe("2x");
  expect(ruleWords("delay", "en").title).toBe("Late data");
});

test("a chart takes any time from ten minutes to three days, and other times are refused", () => {
  const named = (word: string) => chartSpan(word)?.name ?? null;
  expect(["2h", "90min", "90m", "1.5h", "1d", "6", "2시간", "30분"].map(named)).toEqual([
    ...["2h", "90min", "90min", "90min", "24h", "6h", "2h", "30min"],
  ]);
  expect(["9m", "73h", "4d", "0", "h", "2x", ""].map(named)).toEqual([null, null, null, null, null, null, null]);
});

test("an anonymous admin of a group is heard, a channel that writes in the group is not", () => {
  const message = (more: object) => ({
    message: {
      ...{ message_id: 5, date: 1, text: "/status", chat: { id: -100, type: "supergroup", title: "Ops" } },
      ...more,
    },
  });
  const bot = { id: 1_087_968_824, is_bot: true, username: "GroupAnonymousBot" };
  const anonymous = readIncoming(message({ from: bot, sender_chat: { id: -100, type: "supergroup" } }), "TestBot");
  expect(anonymous).toMatchObject({ kind: "command", line: "status", who: "Ops", chat: -100 });
  const channel = { id: 136_817_688, is_bot: true, username: "Channel_Bot" };
  expect(readIncoming(message({ from: channel, sender_chat: { id: -7, type: "channel" } }), "TestBot")?.kind).toBe(
    "talk",
  );
  expect(readIncoming(message({ from: bot }), "TestBot")?.kind).toBe("talk");
});
