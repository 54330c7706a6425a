import { expect, test } from "bun:test";
import { en } from "../../../web/src/words/common-en.ts";
import { ko } from "../../../web/src/words/common-ko.ts";

const names = Object.keys(en) as (keyof typeof en)[];
const gaps = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([gap]) => gap).sort();

test("every text exists in both languages and is filled in with the same values", () => {
  expect(Object.keys(ko).sort()).toEqual([...names].sort());
  for (const name of names) expect([name, gaps(ko[name])]).toEqual([name, gaps(en[name])]);
});

test("no text is used twice for want of a translation", () => {
  const alike = names.filter((name) => en[name] === ko[name]);
  expect(alike).toEqual(["clockOffset", "cpu"]);
});
