/** English texts of what the recorder has to do with besides the exchange. */
export const servicesEn = {
  serviceUnreachable: "cannot be reached",
  telegramAlerts: "Alerts on Telegram",
  telegramOk: "messages arrive",
  telegramRefused: "Telegram refuses the messages",
  telegramCounts: "chats {chats} · sent {sent} · waiting {waiting}",
  bot: "Telegram bot",
  botListening: "listening",
  botConflict: "another program uses its token",
  botRefused: "its token is not valid",
  botCounts: "{answered} answered",
  uploadDone: "everything uploaded",
  uploadWaiting: "{n} archives waiting",
  uploadCounts: "{n} uploaded · {bytes} sent · {failures} failures",
  shard: "Share of the symbols",
  shardOf: "part {n} of {of}",
  shardSymbols: "{n} symbols here",
};
