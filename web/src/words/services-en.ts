/** English texts of what the recorder has to do with besides the exchange. */
export const servicesEn = {
  services: "Services",
  serviceUnreachable: "cannot be reached",
  telegramAlerts: "Alerts on Telegram",
  telegramOk: "messages arrive",
  telegramRefused: "Telegram takes no messages",
  telegramCounts: "chats {chats} · sent {sent} · waiting {waiting}",
  bot: "Telegram bot",
  botListening: "listening",
  botConflict: "another program polls with its token",
  botRefused: "Telegram does not know its token",
  botCounts: "{answered} answered",
  uploadDone: "everything uploaded",
  uploadWaiting: "{n} archives waiting",
  uploadCounts: "{n} uploaded · {bytes} sent · {failures} failures",
  shard: "Share of the symbols",
  shardOf: "part {n} of {of}",
  shardSymbols: "{n} symbols here",
  foreignAnswer:
    "{seen}: something between this machine and Binance answers in its place (a login page of this network, a proxy, a filter), or {key} is wrong",
};
