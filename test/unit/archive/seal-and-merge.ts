import { recover } from "../../../server/recorder/recover/recovery.ts";
import { sealAndMerge } from "../../support/data/day-fixture.ts";

/** A whole start on a data folder, in a process of its own that can be killed: `bun seal-and-merge.ts <data folder>`. */
const dataDir = process.argv[2] ?? "";
const { orphans } = await recover(dataDir);
await sealAndMerge(dataDir, orphans);
