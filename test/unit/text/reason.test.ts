import { expect, test } from "bun:test";
import { foreignAnswer } from "../../../server/platform/fetch/foreign-answer.ts";
import { localizedReason } from "../../../server/text/reason.ts";

test("the recorder's reason for an answer that is not Binance's is translated with the answer and the setting; other reasons stay", () => {
  for (const key of ["exchange.ws_url", "exchange.rest_url"]) {
    const reason = foreignAnswer("HTTP 302 to login.example:81", key);
    const korean = localizedReason(`a.example:9443: ${reason}`, "ko");
    expect(korean).toStartWith("a.example:9443: HTTP 302 to login.example:81: 이 서버와 바이낸스 사이");
    expect(korean.split(key)).toHaveLength(3);
    expect(localizedReason(reason, "en")).toBe(reason);
  }
  const closed = "closed by the exchange with code 1006";
  expect(localizedReason(closed, "ko")).toBe(closed);
});
