import { expect, test } from "bun:test";
import { navigationEntryOf, navigationPages, pageAt, pagePath, pageRoutes } from "../../../server/domain/pages.ts";

test("the address of a page leads back to the page with its parameters", () => {
  const day = { symbol: "币安人生USDT", date: "2026-11-24" };
  expect(pagePath("day", day)).toBe(`coverage/${encodeURIComponent(day.symbol)}/2026-11-24`);
  expect(pageAt(pagePath("day", day))).toEqual({ page: "day", parameters: day });
  expect(pageAt(pagePath("day", { symbol: "BTCUSDT" }))).toEqual({ page: "day", parameters: { symbol: "BTCUSDT" } });
  for (const page of navigationPages) expect(pageAt(`${pagePath(page)}/`)).toEqual({ page, parameters: {} });
});

test("an unknown address has no page, and broken escapes do not throw", () => {
  expect([pageAt(""), pageAt("api/status"), pageAt("archive/a")]).toEqual([null, null, null]);
  expect(pageAt("orderbook/%E0%A4%A")).toEqual({ page: "orderbook", parameters: { symbol: "%E0%A4%A" } });
});

test("public addresses stay, and a page below another marks its entry", () => {
  const known = ["dashboard", "coverage", "archive", "history", "coverage/:symbol", "coverage/:symbol/:date"];
  expect(pageRoutes).toEqual(expect.arrayContaining([...known, "orderbook", "orderbook/:symbol", "login"]));
  expect([navigationEntryOf("day"), navigationEntryOf("orderbook"), navigationEntryOf("history")]).toEqual([
    "coverage",
    null,
    "history",
  ]);
});
