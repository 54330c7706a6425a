import { expect, test } from "bun:test";
import { refusalText } from "../../../server/binance/sockets/connection.ts";
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
  const ofSystem = "connect ECONNREFUSED 18.179.1.2:9443";
  expect(localizedReason(ofSystem, "ko")).toBe(ofSystem);
});

test("each reason why a connection failed is Korean, also within another sentence", () => {
  const failed = (message: string) =>
    refusalText({ message } as unknown as Event, { kind: "direct" }, "stream.binance.com:9443");
  const ofStatus = (status: number) => failed(`Expected 101 status code: ${status}`);
  const reasons = [
    ...[400, 403, 404, 418, 429, 451, 500, 503].map(ofStatus),
    ...[failed("Failed to connect"), failed("")],
    ...["closed by the exchange with code 1006", "the exchange answered HTTP 503"],
  ];
  for (const reason of reasons) {
    expect(localizedReason(reason, "ko")).toMatch(/^[가-힣]/);
    expect(localizedReason(`connection 1 to a.example:9443 is waiting: ${reason}`, "ko")).toBe(
      `연결 1(a.example:9443) 재연결 대기: ${localizedReason(reason, "ko")}`,
    );
    expect(localizedReason(reason, "en")).toBe(reason);
  }
  expect(localizedReason(ofStatus(503), "ko")).toBe("거래소 응답 HTTP 503: 지금은 응답할 수 없음");
  expect(localizedReason("closed by the exchange with code 1008 (disconnected)", "ko")).toBe(
    "거래소가 연결을 닫았습니다(코드 1008 (disconnected))",
  );
});

test("the reasons why a recorder is not ready are translated with their values", () => {
  const pairs = [
    ["no data received yet", "아직 받은 데이터가 없습니다"],
    ["no data received for 95 s", "95초째 데이터가 오지 않습니다"],
    ["the disk is almost full: 12 MiB are free", "디스크 공간이 12 MiB만 남았습니다"],
    ["connection 2 to a.example:9443 is waiting: ECONNREFUSED", "연결 2(a.example:9443) 재연결 대기: ECONNREFUSED"],
    ["connection 2 to a.example:9443 is connecting", "연결 2(a.example:9443) 연결 중"],
    [
      "OLDUSDT: delisted or renamed. 币安人生USDT: did you mean 币安人USDT? MATICUSDT: renamed to POLUSDT.",
      "OLDUSDT: 상장 폐지되었거나 이름이 바뀌었습니다. 币安人生USDT: 币安人USDT의 오타인가요? MATICUSDT: 새 이름은 POLUSDT입니다.",
    ],
  ] as const;
  for (const [english, korean] of pairs) expect(localizedReason(english, "ko")).toBe(korean);
});
