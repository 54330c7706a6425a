import { texts } from "../../text/language.ts";

/** Words that several commands and the bot itself use. */
export const sharedWords = texts({
  en: {
    refresh: "Refresh",
    previous: "‹ Previous",
    next: "Next ›",
    asOf: "As of {time} {zone}",
    andMore: "and {n} more",
    unknownCommand: "I do not know /{name}.",
    meant: "Did you mean /{name}?",
    failed: "That did not work: {reason}",
    unknownSymbol: "{symbol} is not recorded here.",
    severalSymbols: "{symbol} could be several symbols.",
    noSymbols: "No symbols are recorded.",
    tooFast: "Too many requests: please wait a moment.",
    outdated: "This button is out of date. Ask again, please.",
    waitingSegments: "Waiting",
    segments: "{n} segments",
    chartFailed: "The picture could not be drawn: {reason}",
    mute1h: "Mute 1 h",
    mute8h: "Mute 8 h",
    muteAll: "everything",
    maintenance: "maintenance, everything",
    unmuteAll: "Unmute all",
  },
  ko: {
    refresh: "새로 고침",
    previous: "‹ 이전",
    next: "다음 ›",
    asOf: "{time} {zone} 기준",
    andMore: "외 {n}개",
    unknownCommand: "/{name} 명령은 없습니다.",
    meant: "/{name} 을(를) 찾으셨나요?",
    failed: "처리하지 못했습니다: {reason}",
    unknownSymbol: "{symbol}은(는) 여기서 기록하지 않습니다.",
    severalSymbols: "{symbol}에 맞는 심볼이 여러 개입니다.",
    noSymbols: "기록하는 심볼이 없습니다.",
    tooFast: "너무 빠릅니다. 잠시만 기다려 주세요.",
    outdated: "오래된 버튼입니다. 다시 물어봐 주세요.",
    waitingSegments: "대기",
    segments: "세그먼트 {n}개",
    chartFailed: "그림을 그리지 못했습니다: {reason}",
    mute1h: "1시간 끄기",
    mute8h: "8시간 끄기",
    muteAll: "전부",
    maintenance: "점검, 전부",
    unmuteAll: "모두 켜기",
  },
});

/** The shared words of one language. */
export type SharedWords = (typeof sharedWords)["en"];
