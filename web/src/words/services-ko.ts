/** Korean texts of what the recorder has to do with besides the exchange. */
export const servicesKo = {
  services: "연동 서비스",
  serviceUnreachable: "연결할 수 없음",
  telegramAlerts: "텔레그램 알림",
  telegramOk: "메시지가 전달됨",
  telegramRefused: "텔레그램이 메시지를 받지 않음",
  telegramCounts: "대화방 {chats} · 보냄 {sent} · 대기 {waiting}",
  bot: "텔레그램 봇",
  botListening: "대기 중",
  botConflict: "다른 프로그램이 같은 토큰을 쓰고 있음",
  botRefused: "텔레그램이 모르는 토큰",
  botCounts: "응답 {answered}건",
  uploadDone: "모두 업로드됨",
  uploadWaiting: "업로드 대기 아카이브 {n}개",
  uploadCounts: "업로드 {n}개 · 전송 {bytes} · 실패 {failures}건",
  shard: "맡은 심볼",
  shardOf: "전체 {of} 중 {n}번째",
  shardSymbols: "여기서 {n}개 심볼",
  foreignAnswer:
    "{seen}: 이 서버와 바이낸스 사이에서 다른 무언가가 대신 응답하고 있거나(네트워크 로그인 페이지, 프록시, 차단 장비), {key} 값이 잘못되었습니다. 이 네트워크에서 웹 페이지를 열어 로그인하거나, 프록시와 이 값을 확인하세요.",
};
