import { play } from "../run.ts";
import { cases } from "./cases.ts";

/* Plays every kept case; prints one line each and exits with 1 if a promise was broken. Words given choose cases by name. */

const wanted = process.argv.slice(2).join(" ");
let failures = 0;
for (const { name, plan } of cases) {
  if (!name.includes(wanted)) continue;
  const { violations, hash } = await play(plan);
  if (violations.length > 0) failures++;
  console.log(`${violations.length === 0 ? "holds" : "BROKEN"}  ${name}  ${hash}`);
  for (const { promise, detail } of violations.slice(0, 5)) console.log(`        ${promise}: ${detail.split("\n")[0]}`);
}
process.exit(failures === 0 ? 0 : 1);
