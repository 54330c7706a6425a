import { expect, test } from "bun:test";
import { foreignAnswer } from "../../../server/platform/fetch/foreign-answer.ts";
import { foreignAnswerIn } from "../../../web/src/present/foreign-answer.ts";

test("the page knows the recorder's words for an answer that is none of Binance's, to translate them, and leaves other reasons alone", () => {
  for (const key of ["exchange.ws_url", "exchange.rest_url"]) {
    const reason = foreignAnswer("HTTP 302 to login.example:81", key);
    expect(foreignAnswerIn(reason)).toEqual({ seen: "HTTP 302 to login.example:81", key });
    expect(foreignAnswerIn(`a.example:9443: ${reason}`)?.seen).toBe("a.example:9443: HTTP 302 to login.example:81");
  }
  expect(foreignAnswerIn("closed by the exchange with code 1006")).toBeNull();
});
