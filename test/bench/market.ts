/** The invented market as an exchange in a process of its own: `bun market.ts <symbols>`; prints its addresses as JSON. */
import { createExchange } from "../../server/exchange/exchange.ts";
import { createSyntheticMarket } from "../../server/exchange/market/synthetic-market.ts";
import { silentLog } from "../../server/log.ts";
import { symbolNames } from "./processes.ts";

const source = createSyntheticMarket({ symbols: symbolNames(Number(process.argv[2])), seed: 3 });
console.log(JSON.stringify(await createExchange({}, { source, log: silentLog }).start()));
process.on("SIGTERM", () => process.exit(0));
