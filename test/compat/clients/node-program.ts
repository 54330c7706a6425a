import { openBinance } from "./binance-client.ts";
import { followBooks } from "./follow-books.ts";
import { openOfficial } from "./official-client.ts";

/**
 * Runs under Node, bundled: keeps local books with each client and prints the reports as a line of JSON; then leaves each with
 * the trades of every symbol until it is ended.
 */
const [wsUrl = "", restUrl = "", frames = "", ...symbols] = process.argv.slice(2);
const urls = { wsUrl, restUrl };
const clients = [openOfficial, openBinance];
const reports = await Promise.all(clients.map((open) => followBooks(open, urls, { symbols, frames: Number(frames) })));
const trades = symbols.map((symbol) => `${symbol.toLowerCase()}@aggTrade`);
for (const open of clients) await (await open(urls, () => {})).subscribe(trades);
console.log(JSON.stringify({ version: process.version, reports }));
