import { expect, test } from "bun:test";
import { fill } from "../../../server/text/language.ts";
import { en } from "../../../web/src/words/common-en.ts";
import { ko } from "../../../web/src/words/common-ko.ts";

const names = Object.keys(en) as (keyof typeof en)[];
const gaps = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([gap]) => gap).sort();

test("every text exists in both languages and is filled in with the same values", () => {
  expect(Object.keys(ko).sort()).toEqual([...names].sort());
  for (const name of names) expect([name, gaps(ko[name])]).toEqual([name, gaps(en[name])]);
});

test("an acknowledgement on the page names the page, in both languages without an honorific", () => {
  const said = (words: typeof en | typeof ko) => fill(words.acknowledged, { by: words.onDashboard, time: "15:04" });
  expect(said(en)).toBe("acknowledged on the dashboard at 15:04, no more reminders");
  expect(said(ko)).toBe("15:04 대시보드에서 확인함, 다시 알리지 않음");
});

test("no text is used twice for want of a translation", () => {
  const alike = names.filter((name) => en[name] === ko[name]);
  expect(alike).toEqual(["clockOffset", "cpu"]);
});
