/**
 * An emulated Telegram in a process of its own, where somebody asks the bot something every 1.5 s, which is as often as it answers, a picture every
 * third time: `bun chatter.ts <token> <chat>`; prints its address, and on SIGTERM how many questions were put, answers and pictures seen.
 */
import { startBotApi } from "../../support/telegram/bot-api.ts";

const [token = "", chat = ""] = process.argv.slice(2);
const symbols = ["SYM00USDT", "SYM01USDT", "SYM02USDT"];
const questions = [
  "status",
  "book",
  "chart",
  "symbols",
  "delay",
  "chart",
  "today",
  "gaps",
  "chart",
  "disk",
  "logs",
  "chart",
];
const api = await startBotApi(token, Number(chat));
console.log(api.url);

let asked = 0;
const timer = setInterval(() => {
  const command = questions[asked % questions.length];
  const symbol = command === "book" || command === "chart" ? ` ${symbols[asked % symbols.length]}` : "";
  asked++;
  void api.say(`/${command}${symbol}`);
}, 1500);

process.on("SIGTERM", async () => {
  clearInterval(timer);
  const count = (kind: string) => api.seen.filter((one) => one.kind === kind).length;
  console.log(JSON.stringify({ asked, answers: count("message") + count("picture"), pictures: count("picture") }));
  await api.stop();
  process.exit(0);
});
