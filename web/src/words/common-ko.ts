import { alertsKo } from "./alerts-ko.ts";
import { bookKo } from "./book-ko.ts";
import type { Words } from "./common-en.ts";
import { loginKo } from "./login-ko.ts";
import { overviewKo } from "./overview-ko.ts";
import { servicesKo } from "./services-ko.ts";
import { viewsKo } from "./views-ko.ts";

/** The page's texts in Korean. */
export const ko: Words = {
  ...overviewKo,
  ...viewsKo,
  ...bookKo,
  ...alertsKo,
  ...loginKo,
  ...servicesKo,
  views: "화면",
  skip: "본문으로 건너뛰기",
  language: "언어",
  times: "시각",
  moreChoices: "더 많은 설정",
  theme: "색상: {name}",
  themeSystem: "시스템 설정",
  themeLight: "밝게",
  themeDark: "어둡게",
  viewFailed: "이 화면에 오류가 생겼습니다.",
  viewFailedHint: "기록에는 영향이 없습니다. 오류 내용은 브라우저 콘솔에 있습니다.",
  tryAgain: "다시 시도",
  noSuchPage: "없는 페이지입니다.",
  noSuchPageHint: "주소가 잘못되었거나 다른 버전의 주소입니다.",
  noSuchDay: "없는 날짜입니다: {date}",
  noSuchDayHint: "날짜는 2026-11-22처럼 씁니다.",
  toOverview: "개요로",
  loading: "불러오는 중…",
  failed: "레코더가 응답하지 않았습니다. 자동으로 다시 시도합니다.",
  failedOld: "레코더가 응답하지 않아 오래된 값입니다.",
  showMore: "더 보기",
  all: "전체",
  cancel: "취소",
  symbol: "심볼",
  stream: "스트림",
  date: "날짜",
  cause: "원인",
  demo: "데모",
  demoIs: "데모입니다.",
  demoData: "실제 시세가 아니라 모의 데이터이며 {folder}에 저장됩니다. 연결이 끊기면 어떻게 되는지 보세요:",
  demoPast: "과거 데이터를 만드는 중: {percent}.",
  demoCut: "연결 끊기",
  demoBack: "{n}초 뒤 다시 연결",
  demoNext: "다음에 해 볼 것",
  demoList: "기록한 것 보기",
  demoVerify: "검증하기",
  demoQuery: "DuckDB로 읽기",
  demoRecord: "실제 시장 기록하기",
  close: "닫기",
};
