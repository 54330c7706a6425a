/** Korean texts of what the recorder has to do with besides the exchange. */
export const servicesKo = {
  serviceUnreachable: "연결할 수 없음",
  telegramAlerts: "텔레그램 알림",
  telegramOk: "메시지가 전달됨",
  telegramRefused: "텔레그램이 메시지를 거부함",
  telegramCounts: "대화방 {chats} · 보냄 {sent} · 대기 {waiting}",
  bot: "텔레그램 봇",
  botListening: "대기 중",
  botConflict: "다른 프로그램이 같은 토큰을 쓰고 있음",
  botRefused: "토큰이 올바르지 않음",
  botCounts: "응답 {answered}건",
  uploadDone: "모두 업로드됨",
  uploadWaiting: "업로드 대기 아카이브 {n}개",
  uploadCounts: "업로드 {n}개 · 전송 {bytes} · 실패 {failures}건",
  shard: "맡은 심볼",
  shardOf: "전체 {of} 중 {n}번째",
  shardSymbols: "여기서 {n}개 심볼",
};
