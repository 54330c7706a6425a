import { fill, type Language } from "./language.ts";

/** Matches the reason that another server answered instead of Binance, as made by `foreignAnswer` in platform/fetch. */
const foreign =
  /^(.*): something between this machine and Binance answers in its place.* or (exchange\.\w+) is wrong; /;

const foreignKo =
  "{seen}: 이 서버와 바이낸스 사이에서 다른 무언가가 대신 응답하고 있거나(네트워크 로그인 페이지, 프록시, 차단 장비), {key} 값이 잘못되었습니다. 이 네트워크에서 웹 페이지를 열어 로그인하거나, 프록시와 {key} 값을 확인하세요.";

/** States of a connection in Korean. */
const statesKo: Readonly<Record<string, string>> = { connecting: "연결 중", waiting: "재연결 대기", open: "연결됨" };

/** Meaning of an HTTP status in place of a stream, in Korean. */
const statusesKo: Readonly<Record<string, string>> = {
  403: "방화벽이 거부함",
  404: "스트림 없음",
  418: "잠시 차단됨",
  429: "연결 시도가 너무 많음",
  451: "제공되지 않는 나라",
};

/** The recorder's own sentences, with their Korean translation. */
const sentences: readonly (readonly [pattern: RegExp, korean: string])[] = [
  [/^no data received yet$/, "아직 받은 데이터가 없습니다"],
  [/^no data received for (?<n>\d+) s$/, "{n}초째 데이터가 오지 않습니다"],
  [/^the disk does not accept data: (?<why>.*)$/, "디스크에 쓸 수 없습니다: {why}"],
  [/^the disk is almost full: (?<n>\d+) MiB are free$/, "디스크 공간이 {n} MiB만 남았습니다"],
  [/^the disk is (?:almost )?out of inodes: (?<n>\w+) are left .*$/, "디스크의 아이노드가 부족합니다(남은 개수: {n})"],
  [/^connection (?<id>\d+) to (?<host>\S+) is (?<state>\w+)(?:: (?<why>.*))?$/, "연결 {id}({host}) {state}{because}"],
  [/^the exchange answered HTTP (?<n>\d+)/, "거래소 응답 HTTP {n}: {status}"],
  [/^closed by the exchange with code (?<code>.*)$/, "거래소가 연결을 닫았습니다(코드 {code})"],
  [/^no connection: refused, /, "연결할 수 없습니다(거부, 네트워크, 이름)"],
  [/^the connection failed$/, "연결하지 못했습니다"],
  [/^the handshake took longer than 10 s/, "10초 안에 연결되지 않았습니다"],
  [/^rt-data itself$/, "RT-Data 자체"],
  [/^rt-data itself uses (?<n>\d+) ?% of the machine$/, "그중 RT-Data {n}%"],
  [/^the whole machine$/, "서버 전체"],
  [/^days are not merged until there is (?:more )?room$/, "공간이 생길 때까지 날짜를 병합하지 않습니다"],
];

/** Sentences about symbols that the exchange does not know. A text may hold several of them. */
const symbolSentences: readonly (readonly [pattern: RegExp, korean: string])[] = [
  [/(?<s>\S+): did you mean (?<t>\S+)\?/g, "{s}: {t}의 오타인가요?"],
  [/(?<s>\S+): delisted or renamed\./g, "{s}: 상장 폐지되었거나 이름이 바뀌었습니다."],
  [/(?<s>\S+): renamed to (?<t>\S+)\.(?= |$)/g, "{s}: 새 이름은 {t}입니다."],
];

/** Sentences about a proxy, as made by `proxyTrouble` in platform/fetch. `p` is its host and variable, `t` the target. */
const proxySentences: readonly (readonly [pattern: RegExp, korean: string])[] = [
  [
    / asks for a login \(HTTP 407\); .* into (?<v>\w+): (?<e>\S+)$/,
    "로그인이 필요합니다(HTTP 407). {v}에 사용자와 비밀번호를 쓰세요: {e}",
  ],
  [/ does not allow (?<t>\S+) \(HTTP 403\)/, "{t} 연결을 허용하지 않습니다(HTTP 403). 프록시에서 허용하세요."],
  [
    / cannot reach (?<t>\S+) \(HTTP (?<n>\d+)\)/,
    "{t} 서버에 연결하지 못합니다(HTTP {n}). 프록시의 네트워크와 로그를 확인하세요.",
  ],
  [
    / does not open a tunnel to (?<t>\S+) \(.*check (?<v>\w+)$/,
    "{t} 터널을 열지 않습니다. 로그인 페이지나 차단 장비이거나 HTTP 프록시가 아닙니다. {v} 값을 확인하세요.",
  ],
  [/ cannot be reached; check (?<v>\w+)/, "연결할 수 없습니다. {v} 값과 네트워크를 확인하세요."],
  [/ closed the connection to (?<t>\S+);/, "{t} 연결을 끊었습니다. 프록시의 로그를 확인하세요."],
  [
    / answered HTTP (?<n>\d+) in place of the exchange/,
    "거래소 대신 응답했습니다(HTTP {n}). 로그인과 로그를 확인하세요.",
  ],
];

/**
 * Translates the recorder's own words for a problem, which are English. Texts of the system or of another server, and those without a
 * translation, come back unchanged.
 */
export function localizedReason(text: string, language: Language): string {
  if (language === "en") return text;
  const [, seen, key] = foreign.exec(text) ?? [];
  if (seen !== undefined && key !== undefined) return fill(foreignKo, { seen, key });
  const proxy = /^the proxy (\S+ \(\w+\))/.exec(text)?.[1];
  for (const [pattern, korean] of proxy === undefined ? [] : proxySentences) {
    const found = pattern.exec(text);
    if (found !== null) return `프록시 ${proxy}: ${fill(korean, { ...found.groups })}`;
  }
  for (const [pattern, korean] of sentences) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const { state = "", why = "", n = "", ...rest } = found.groups ?? {};
    const status = statusesKo[n] ?? (n >= "500" ? "지금은 응답할 수 없음" : "요청이 거절됨");
    const reason = localizedReason(why, language);
    const because = reason === "" ? "" : `: ${reason}`;
    return fill(korean, { ...rest, n, status, state: statesKo[state] ?? "", why: reason, because });
  }
  return symbolSentences.reduce((result, [pattern, korean]) => {
    return result.replace(pattern, (_, s: string, t: unknown) =>
      fill(korean, { s, t: typeof t === "string" ? t : "" }),
    );
  }, text);
}
