import { fill, type Language } from "./language.ts";

/** Matches the reason that another server answered instead of Binance, as made by `foreignAnswer` in platform/fetch. */
const foreign =
  /^(.*): something between this machine and Binance answers in its place.* or (exchange\.\w+) is wrong; /;

const foreignKo =
  "{seen}: 이 서버와 바이낸스 사이에서 다른 무언가가 대신 응답하고 있거나(네트워크 로그인 페이지, 프록시, 차단 장비), {key} 값이 잘못되었습니다. 이 네트워크에서 웹 페이지를 열어 로그인하거나, 프록시와 {key} 값을 확인하세요.";

/**
 * Translates a reason of the recorder, which is English. Only the most important reason has a translation; other texts are returned
 * unchanged.
 */
export function localizedReason(text: string, language: Language): string {
  if (language === "en") return text;
  const [, seen, key] = foreign.exec(text) ?? [];
  return seen === undefined || key === undefined ? text : fill(foreignKo, { seen, key });
}
