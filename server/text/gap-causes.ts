import type { GapCause } from "../domain/gap.ts";
import type { Language } from "./language.ts";

/** Causes of gaps in words, for the page and the bot. */
export const gapCauseWords: Readonly<Record<GapCause, Readonly<Record<Language, string>>>> = {
  reconnect: { en: "connection lost", ko: "연결 끊김" },
  silent: { en: "connection silent", ko: "연결 무응답" },
  serverShutdown: { en: "exchange restarted", ko: "거래소 재시작" },
  exchange_down: { en: "exchange unreachable", ko: "거래소 접속 불가" },
  missing: { en: "ids missing", ko: "ID 누락" },
  overflow: { en: "could not keep up", ko: "처리 밀림" },
  disk: { en: "disk", ko: "디스크" },
  latency: { en: "delay too high", ko: "지연 초과" },
  host_asleep: { en: "machine asleep", ko: "서버 절전" },
  restart: { en: "recorder restarted", ko: "레코더 재시작" },
  crash: { en: "recorder crashed", ko: "레코더 비정상 종료" },
  halted: { en: "halted by the exchange", ko: "거래 중단" },
  not_configured: { en: "not configured", ko: "설정에서 제외됨" },
  clock: { en: "wrong clock", ko: "시계 오류" },
};
