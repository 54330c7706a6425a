import { expect, test } from "bun:test";
import { evening } from "./evening.ts";

test("an incident is one message: it opens with a sound, is changed while it lasts, and ends in it and in a silent reply", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const { id } = incidents.raise({
    rule: "disconnected",
    severity: "critical",
    detail: "stream.binance.com:9443: refused",
  });
  await night.pass(2);
  expect(telegram.chat(42)).toMatchObject([{ silent: false, replyTo: null, edits: 0 }]);
  console.log(telegram.chat(42)[0]?.text);
  await night.pass(600);
  console.log(telegram.chat(42)[0]?.text, telegram.chat(42)[0]?.edits);
  incidents.close(id, { records_lost: 0 });
  await night.pass(5);
  console.log(telegram.chat(42));
  await night.stop();
});
