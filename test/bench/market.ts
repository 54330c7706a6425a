/** The invented market as an exchange in a process of its own: `bun market.ts <symbols>`; prints its addresses as JSON. */

import { silentLog } from "../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../server/simulator/simulated-exchange.ts";
import { symbolNames } from "./processes.ts";

const source = createSyntheticMarket({ symbols: symbolNames(Number(process.argv[2])), seed: 3 });
console.log(JSON.stringify(await createSimulatedExchange({}, { source, log: silentLog }).start()));
process.on("SIGTERM", () => process.exit(0));
